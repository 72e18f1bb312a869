import type { HooksSource, UpgradeResult } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter, Route } from "../fixtures/adapter.ts";
import { handshake, RawClient, type RawResponse } from "../fixtures/raw.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";

/** What the packages of others make: named as the class of the platform, and not an instance of it. */
class ForeignHeaders {
  readonly #pairs: [string, string][];

  constructor(...pairs: [string, string][]) {
    this.#pairs = pairs;
  }

  get [Symbol.toStringTag](): string {
    return "Headers";
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#pairs[Symbol.iterator]();
  }
}

function foreignResponse(init: object): Response {
  return {
    [Symbol.toStringTag]: "Response",
    status: 403,
    statusText: "",
    body: null,
    ...init,
  } as object as Response;
}

export function answersSuite(adapter: Adapter): void {
  /** An app with one route, whose `upgrade` hook returns this. */
  async function returning(
    result: unknown,
    rest: Omit<Route, "hooks"> = {},
  ): Promise<RunningApp & { answer(): Promise<RawResponse> }> {
    const hooks: HooksSource = { upgrade: () => result as UpgradeResult<unknown> };
    const app = await serve(adapter, { routes: { "/": { hooks, ...rest } } });
    const answer = async (): Promise<RawResponse> => {
      using client = await RawClient.connect(app.port, handshake());
      return await client.response();
    };
    return { ...app, answer };
  }

  describe("headers of a refusal", () => {
    it("take the place of those that middleware has set, and its cookies stay", async () => {
      const headers = new Headers({ "Cache-Control": "private", "Content-Type": "application/json" });
      headers.append("Set-Cookie", "a=1");
      headers.append("Set-Cookie", "b=2");
      await using app = await returning(new Response("{}", { status: 403, headers }), {
        headers: {
          "Cache-Control": "no-store",
          "Content-Type": "text/html",
          "Set-Cookie": "session=1",
          "X-By": "middleware",
        },
      });
      const response = await app.answer();
      expect(response.names.filter((name) => ["cache-control", "content-type"].includes(name))).toHaveLength(
        2,
      );
      expect(response.headers).toMatchObject({
        "cache-control": "private",
        "content-type": "application/json",
        "content-length": "2",
        "x-by": "middleware",
      });
      expect(response.cookies).toEqual(["session=1", "a=1", "b=2"]);
      expect(response.body).toBe("{}");
    });

    it("that describe a body are its own alone", async () => {
      await using app = await returning(new Response(new Uint8Array([104, 105]), { status: 403 }), {
        headers: {
          "Content-Type": "text/html",
          "Content-Language": "de",
          ETag: '"page"',
          "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
          "Content-Security-Policy": "default-src 'none'",
        },
      });
      const { names, body, headers } = await app.answer();
      expect(body).toBe("hi");
      expect(headers["content-length"]).toBe("2");
      // For whatever is shown, as its name does not say.
      expect(headers["content-security-policy"]).toBe("default-src 'none'");
      const ofABody = /^(content-(?!length|security-policy).*|etag|last-modified)$/;
      expect(names.filter((name) => ofABody.test(name))).toEqual([]);
    });

    it("say that the connection ends, whatever the Response says of it", async () => {
      const headers = { Connection: "keep-alive", "Keep-Alive": "timeout=5", "Transfer-Encoding": "chunked" };
      await using app = await returning(new Response("no", { status: 403, headers }));
      using client = await RawClient.connect(app.port, handshake());
      const response = await client.response();
      expect(response.headers["connection"]).toBe("close");
      expect(response.names).not.toContain("keep-alive");
      expect(response.names).not.toContain("transfer-encoding");
      expect(response.body).toBe("no");
      expect(await client.ended()).toBe("");
    });
  });

  describe("the answer of middleware", () => {
    it("says that the connection ends, whatever middleware says of it", async () => {
      const shared = { Connection: "Keep-Alive, x" };
      const guard = () => ({ status: 401, headers: shared, body: "no" });
      await using app = await serve(adapter, { routes: { "/": { hooks: {}, guard } } });
      for (let i = 0; i < 2; i++) {
        using client = await RawClient.connect(app.port, handshake());
        const { status, headers } = await client.response();
        expect([status, headers["connection"]]).toEqual([401, "x, close"]);
        expect(await client.ended()).toBe("");
      }
      expect(shared).toEqual({ Connection: "Keep-Alive, x" });
    });
  });

  describe("header values beyond ASCII", () => {
    // A WHATWG header value is a string of bytes (isomorphic encoding), and so is one of Node's.
    it.each([
      ["on the 101", 101, () => new Headers({ "X-Name": "Jürgen" })],
      ["on a refusal", 403, () => new Response("no", { status: 403, headers: { "X-Name": "Jürgen" } })],
    ])("are sent as one byte each: %s", async (_where, status, result) => {
      await using app = await returning(result(), { headers: { "Set-Cookie": "name=J\u00fcrgen" } });
      const response = await app.answer();
      expect(response.status).toBe(status);
      expect(response.headers["x-name"]).toBe("Jürgen"); // Read as Latin-1.
      expect(response.cookies).toEqual(["name=Jürgen"]);
    });

    it("leave the frames behind the 101 as they are", async () => {
      const hooks: HooksSource = {
        upgrade: () => new Headers({ "X-Name": "Jürgen" }),
        open: (peer) => peer.send("grüße"),
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      expect((await client.frame()).payload.toString()).toBe("grüße");
    });
  });

  describe("Headers and Response of other packages", () => {
    it("are read as the platform's", async () => {
      const headers = new ForeignHeaders(["X-Room", " blue "], ["Content-Type", "text/html"]);
      await using app = await returning(headers);
      const accepted = await app.answer();
      expect([accepted.status, accepted.headers["x-room"]]).toEqual([101, "blue"]);
      expect(accepted.names).not.toContain("content-type");
      await using other = await returning(
        foreignResponse({ headers: new ForeignHeaders(["X-Room", "red"]) }),
      );
      const refused = await other.answer();
      expect([refused.status, refused.headers["x-room"]]).toEqual([403, "red"]);
    });

    it.each([
      ["Headers with a line break", new ForeignHeaders(["X-Room", "blue\r\nSet-Cookie: admin=1"])],
      ["Headers with a bad name", new ForeignHeaders(["X-Room: blue\r\nX", "y"])],
      ["headers with a line break", { headers: new ForeignHeaders(["X-Room", "blue\r\nX-Evil: 1"]) }],
      ["a record with a line break", { headers: { "X-Room": "blue\r\nX-Evil: 1" } }],
      ["a header of the handshake", new ForeignHeaders(["Sec-WebSocket-Protocol", "v1"])],
      ["a Response with a line break", foreignResponse({ headers: new ForeignHeaders(["X", "a\r\nb: c"]) })],
      ["Headers that are none", { headers: Object.create(null, { [Symbol.iterator]: { value: 5 } }) }],
    ])("are an error of the developer's with what no header may be: %s", async (_name, result) => {
      await using app = await returning(result);
      const response = await app.answer();
      expect(response.status).toBe(500);
      expect(response.names.filter((name) => /evil|cookie|^x$|protocol/.test(name))).toEqual([]);
      expect(app.logged).toMatchObject([{ code: "SPRY_WS_UPGRADE_RESULT" }]);
    });
  });

  describe("a Response that is made once", () => {
    it.each([
      ["text", () => new Response("no", { status: 401, headers: { "X-By": "hook" } }), "no"],
      ["bytes", () => new Response(new Uint8Array([110, 111]), { status: 401 }), "no"],
      ["JSON", () => Response.json({ error: "no" }, { status: 401 }), '{"error":"no"}'],
      ["an empty text", () => new Response("", { status: 401 }), ""],
      ["nothing", () => new Response(null, { status: 401 }), ""],
    ])("refuses every time, also at once: %s", async (_body, make, body) => {
      await using app = await returning(make());
      const first = await app.answer();
      expect([first.status, first.body]).toEqual([401, body]);
      const others = await Promise.all([app.answer(), app.answer(), app.answer()]);
      for (const { status, headers, body: again } of others) {
        expect([status, again, headers["x-by"]]).toEqual([401, body, first.headers["x-by"]]);
        expect(headers["content-length"]).toBe(String(body.length));
      }
      expect(app.logged).toEqual([]);
    });

    it("refuses several at once also where they are the first", async () => {
      await using app = await returning(new Response("no", { status: 401 }));
      const answers = await Promise.all([app.answer(), app.answer(), app.answer()]);
      expect(answers.map(({ status, body }) => [status, body])).toEqual(Array(3).fill([401, "no"]));
    });

    it.each([
      [
        "a stream that was sent",
        () => {
          const chunks = ["one ", "two"];
          const body = new ReadableStream({
            async pull(controller) {
              await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
              const chunk = chunks.shift();
              if (chunk === undefined) controller.close();
              else controller.enqueue(new TextEncoder().encode(chunk));
            },
          });
          return new Response(body, { status: 401 });
        },
        [401, "one two"],
      ],
      [
        "a body that the hook has read",
        () => {
          const response = new Response("no", { status: 401 });
          void response.text();
          return response;
        },
        undefined,
      ],
    ])("says what to write where it cannot be read again: %s", async (_name, make, first) => {
      await using app = await returning(make());
      if (first) {
        const { status, body } = await app.answer();
        expect([status, body]).toEqual(first);
      }
      expect((await app.answer()).status).toBe(500);
      expect(app.logged).toMatchObject([
        {
          code: "SPRY_WS_UPGRADE_RESULT",
          message: expect.stringContaining("make a new Response for each refusal"),
        },
      ]);
    });
  });

  describe("the connection of a plain request", () => {
    const plain = (version: string, connection?: string): string =>
      `GET / HTTP/${version}\r\nHost: localhost\r\n${connection ? `Connection: ${connection}\r\n` : ""}\r\n`;

    it.each([
      ["HTTP/1.1 with Connection: close", plain("1.1", "close")],
      ["HTTP/1.1 with Connection: foo, Close", plain("1.1", "foo, Close")],
      ["HTTP/1.0", plain("1.0")],
    ])(
      "ends with the 426 where the client asks for that (RFC 9112 section 9.6): %s",
      async (_name, request) => {
        await using app = await serve(adapter, { routes: { "/": { hooks: {} } } });
        using client = await RawClient.connect(app.port, request);
        const { status, headers } = await client.response();
        expect(status).toBe(426);
        expect(headers).toMatchObject({ upgrade: "websocket", connection: "Upgrade, close" });
        expect(await client.ended()).toBe("");
      },
    );

    it.each([
      ["HTTP/1.1", plain("1.1")],
      ["HTTP/1.0 with Connection: keep-alive", plain("1.0", "keep-alive")],
    ])("goes on behind the 426 otherwise: %s", async (_name, request) => {
      await using app = await serve(adapter, { routes: { "/": { hooks: {} } } });
      using client = await RawClient.connect(app.port, request);
      for (let i = 0; i < 2; i++) {
        const { status, headers } = await client.response();
        expect(status).toBe(426);
        expect(headers["connection"]?.split(", ")).toContain("Upgrade");
        expect(headers["connection"]).not.toContain("close");
        client.socket.write(request);
      }
    });
  });
}
