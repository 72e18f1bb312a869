import { hasSubscribers } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createSpryWs,
  defineHooks,
  type Hooks,
  Message,
  type MessageData,
  type Peer,
  useHeaders,
} from "@spry-ws/core";
import { connect, type TestClient } from "@spry-ws/testing";
import { describe, expect, it, vi } from "vitest";
import { Deferred } from "../fixtures/deferred.ts";
import { Recorder } from "../fixtures/recorder.ts";

/** A client of an app with these hooks alone. */
function open(hooks: Hooks, options?: Parameters<typeof connect>[2]): Promise<TestClient> {
  return connect(createSpryWs().handler(hooks), "/chat", options);
}

function sendAll(peer: Peer, ...data: MessageData[]): void {
  for (const one of data) peer.send(one);
}

const echo = defineHooks({ message: (peer, message) => peer.send(message) });

/** Sends three messages, then closes. */
const farewell = defineHooks({
  open(peer) {
    sendAll(peer, "one", "two", "three");
    void peer.close(4001, "enough");
  },
});

describe("messages", () => {
  it("are queued from the first byte on, and read in their order", async () => {
    await using client = await open(farewell);
    expect(await client.closed).toEqual({ code: 4001, reason: "enough" });
    expect(client.unread.map(String)).toEqual(["one", "two", "three"]);
    expect(await client.text()).toBe("one");
    expect([String(await client.next()), await client.text()]).toEqual(["two", "three"]);
    expect(client.unread).toEqual([]);
  });

  it("are given to readers in the order in which they asked", async () => {
    await using client = await open(echo);
    const read = Promise.all([client.text(), client.text()]);
    client.send("first");
    client.send("second");
    expect(await read).toEqual(["first", "second"]);
  });

  it("are sent and read as text, bytes and JSON", async () => {
    await using client = await open(echo);
    client.send(Message.json({ a: [1] }));
    expect(await client.json<{ a: number[] }>()).toEqual({ a: [1] });
    client.send(Message.bytes(new Uint8Array([1, 2, 3])));
    const message = await client.next();
    expect([message.isText, message.bytes()]).toEqual([false, new Uint8Array([1, 2, 3])]);
    client.send(new Uint8Array([4]).buffer);
    expect((await client.next()).bytes()).toEqual(new Uint8Array([4]));
  });

  it("are waited for with options that are known, or not at all", async () => {
    await using client = await open({});
    const misspelt = { timeout: 5 } as never;
    const error = { code: "SPRY_WS_TEST_ARGUMENT", message: expect.stringMatching(/no option "timeout"/) };
    await expect(client.next(misspelt)).rejects.toMatchObject(error);
    await expect(client.text(misspelt)).rejects.toMatchObject(error);
    await expect(client.ping(misspelt)).rejects.toMatchObject(error);
    await expect(client.next({ timeoutMs: Number.NaN })).rejects.toThrow(/"timeoutMs" is a number/);
    await expect(client.next(5 as never)).rejects.toThrow(/options are an object with timeoutMs, not 5/);
  });

  it.each([[{ a: 1 }], [[1, 2]], [5], [new Blob(["a"])]])(
    "are nothing but text and bytes: %o",
    async (data) => {
      await using client = await open({});
      expect(() => client.send(data as never)).toThrow(
        expect.objectContaining({
          code: "SPRY_WS_TEST_ARGUMENT",
          message: expect.stringMatching(/Message\.json\(value\)|await value\.arrayBuffer\(\)/),
        }),
      );
    },
  );

  it("can be iterated until the connection is closed", async () => {
    await using client = await open(farewell);
    const texts: string[] = [];
    for await (const message of client) texts.push(message.text());
    expect(texts).toEqual(["one", "two", "three"]);
  });

  it("stay where a loop is left, and the connection open", async () => {
    const greet = (peer: Peer) => {
      peer.send("one");
      peer.send("two");
    };
    await using client = await open({ ...echo, open: greet });
    for await (const message of client) if (message.text() === "one") break;
    expect(await client.text()).toBe("two");
    client.send("still open");
    expect(await client.text()).toBe("still open");
  });
});

describe("errors", () => {
  it("tell what had come when a message did not come in time", async () => {
    await using client = await open({
      open(peer) {
        peer.send("hello");
        peer.send(new Uint8Array([255]));
      },
    });
    expect(await client.text()).toBe("hello");
    await client.next();
    await expect(client.next({ timeoutMs: 5 })).rejects.toMatchObject({
      code: "SPRY_WS_TEST_TIMEOUT",
      message:
        'GET /chat: no message came within 5 ms; 2 messages had come before: "hello", binary <ff> (1 bytes)',
    });
  });

  it("tell of the last messages alone where many had come", async () => {
    await using client = await open({
      open: (peer) => {
        for (let i = 1; i <= 9; i++) peer.send(`${i}${"x".repeat(i === 9 ? 300 : 0)}`);
      },
    });
    for (let i = 1; i <= 9; i++) await client.next();
    await expect(client.next({ timeoutMs: 5 })).rejects.toThrow(
      /9 messages had come before, the last 5: "5", "6", "7", "8", "9x+… \(301 characters\)"$/,
    );
  });

  it("lose no message that comes after a wait that was given up", async () => {
    await using client = await open(echo);
    await expect(client.next({ timeoutMs: 1 })).rejects.toThrow("nothing had come before");
    client.send("late");
    expect(await client.text()).toBe("late");
  });

  it("tell the close code where the connection is closed and nothing is left to read", async () => {
    await using client = await open(farewell);
    for (let i = 0; i < 3; i++) await client.next();
    const error = await client.next().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "SPRY_WS_TEST_CLOSED",
      closure: { code: 4001, reason: "enough" },
      message:
        'GET /chat: the connection was closed with 4001 "enough", no message is left; ' +
        '3 messages had come before: "one", "two", "three"',
    });
    expect(() => client.send("x")).toThrow(/nothing can be sent/);
    await expect(client.ping()).rejects.toMatchObject({ code: "SPRY_WS_TEST_CLOSED" });
  });

  it("tell of a connection that ends while a message is waited for", async () => {
    await using client = await open({ message: (peer) => peer.terminate() });
    client.send("x");
    await expect(client.text()).rejects.toThrow(/closed with 1006, no message is left; nothing had come/);
  });

  it("have a violation of the protocol as their cause", async () => {
    await using client = await open({
      open: (peer) =>
        void (peer.websocket as never as { _socket: NodeJS.WritableStream })._socket.write("\xff"),
    });
    await expect(client.next()).rejects.toMatchObject({
      code: "SPRY_WS_TEST_CLOSED",
      cause: { code: expect.stringMatching(/^WS_ERR_/) },
    });
  });

  const failing = (): never => {
    throw new Error("no such room");
  };

  it.each([
    ["open", { open: failing }],
    ["message", { message: failing }],
    ["message, later", { message: async () => failing() }],
    ["message, and then close", { message: failing, close: () => Promise.reject(new Error("the second")) }],
    ["message, handled", { message: failing, error: () => {} }],
  ] satisfies [string, Hooks][])(
    "have what a hook threw as their cause, and not that of another client: %s",
    async (_name, hooks) => {
      const app = createSpryWs({ onError: () => {} }).handler(hooks);
      await using other = await connect(createSpryWs().handler(echo));
      for (const loopback of [false, true]) {
        await using client = await connect(app, "/chat", { loopback });
        if (client.websocket.readyState === 1) client.send("x");
        await expect(client.text()).rejects.toMatchObject({
          code: "SPRY_WS_TEST_CLOSED",
          closure: { code: 1011 },
          cause: new Error("no such room"),
        });
      }
      await other.close();
      await expect(other.text()).rejects.not.toHaveProperty("cause");
      expect(hasSubscribers("spry-ws:error")).toBe(false);
    },
  );

  it("leave options of ws as they are", async () => {
    const finishRequest = (request: ClientRequest) => {
      request.setHeader("X-Late", "yes");
      request.end();
    };
    const open = (peer: Peer) => peer.send(String(useHeaders(peer).get("x-late")));
    await using client = await connect(createSpryWs().handler({ open }), "/", {
      websocket: { finishRequest },
    });
    expect(await client.text()).toBe("yes");
  });

  it("tell what came instead of text or JSON", async () => {
    await using client = await open(echo);
    client.send(new Uint8Array([1, 171]));
    await expect(client.text()).rejects.toMatchObject({
      code: "SPRY_WS_TEST_MESSAGE",
      message: expect.stringContaining("a text message was expected, but came binary <01ab> (2 bytes)"),
    });
    client.send("{");
    await expect(client.json()).rejects.toMatchObject({
      code: "SPRY_WS_TEST_MESSAGE",
      message: 'GET /chat: JSON was expected, but came "{"',
      cause: expect.any(SyntaxError),
    });
  });
});

describe("closed", () => {
  it("rejects where the connection is not closed in time, and tells what had come", async () => {
    await using client = await open({ open: (peer) => peer.send("still here") }, { timeoutMs: 50 });
    await client.text();
    await expect(client.closed).rejects.toMatchObject({
      code: "SPRY_WS_TEST_TIMEOUT",
      message:
        'GET /chat: the connection was not closed within 50 ms; 1 message had come before: "still here"',
    });
  });

  it("tells nobody who does not wait for it", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on("unhandledRejection", note);
    try {
      await using client = await open({}, { timeoutMs: 300 });
      void client.closed;
      await expect(client.closed).rejects.toMatchObject({ code: "SPRY_WS_TEST_TIMEOUT" });
      await sleep(20);
      expect(rejections).toEqual([]);
    } finally {
      process.off("unhandledRejection", note);
    }
  });

  it("waits from when it is read, and for ever with 0", async () => {
    const gate = new Deferred();
    const hooks: Hooks = {
      async message(peer) {
        await gate.promise;
        void peer.close(4003);
      },
    };
    const client = await open(hooks, { timeoutMs: 200 });
    await using patient = await open(hooks, { timeoutMs: 0 });
    for (const one of [client, patient]) one.send("x");
    const closed = patient.closed;
    await expect(client.closed).rejects.toMatchObject({ code: "SPRY_WS_TEST_TIMEOUT" });
    const again = client.closed;
    gate.resolve();
    expect([await again, await closed]).toEqual(Array(2).fill({ code: 4003, reason: "" }));
  });

  it.each([-1, Number.NaN, "5"])("takes no timeoutMs of %j", async (timeoutMs) => {
    await expect(open({}, { timeoutMs: timeoutMs as never })).rejects.toMatchObject({
      code: "SPRY_WS_TEST_ARGUMENT",
      message: expect.stringContaining('"timeoutMs" is a number of milliseconds, or 0 for ever, not'),
    });
  });

  it.each([Number.POSITIVE_INFINITY, 2 ** 40])("takes a timeoutMs of %d for ever", async (timeoutMs) => {
    const client = await open(echo, { timeoutMs });
    const text = client.text();
    await sleep(20);
    client.send("x");
    expect(await text).toBe("x");
    expect((await client.close(4000)).code).toBe(4000);
  });
});

describe("closing", () => {
  it("sends the code and the reason, and resolves when the closing handshake has ended", async () => {
    const recorder = new Recorder();
    const client = await open(recorder.hooks());
    expect(await client.close(4002, "bye")).toEqual({ code: 4002, reason: "bye" });
    await recorder.until("close 4002 bye");
    expect(await client.close()).toEqual(await client.closed);
  });

  it("happens at the end of a block", async () => {
    const recorder = new Recorder();
    {
      await using _client = await open(recorder.hooks());
    }
    await recorder.until("close 1005");
  });

  it("can be left out, as a client does that crashes", async () => {
    const recorder = new Recorder();
    const client = await open(recorder.hooks());
    expect((await client.terminate()).code).toBe(1006);
    await recorder.until("close 1006");
  });

  it("does not wait for ever for a server that does not answer", async () => {
    const client = await open({ open: (peer) => peer.websocket.pause() }, { timeoutMs: 300 });
    expect((await client.close()).code).toBe(1006);
  });
});

describe("ping", () => {
  it("resolves with the pong, behind all that the server had sent", async () => {
    await using client = await open({ open: (peer) => peer.send("first") });
    await client.ping();
    expect(client.unread.map(String)).toEqual(["first"]);
    await Promise.all([client.ping(), client.ping()]);
    expect(client.unread).toHaveLength(1);
  });

  it("tells where it is not answered", async () => {
    const client = await open({ open: (peer) => peer.websocket.pause() });
    await expect(client.ping({ timeoutMs: 5 })).rejects.toThrow(/a ping was not answered within 5 ms/);
    const pong = client.ping();
    const rejected = expect(pong).rejects.toThrow(/closed with 1006, a ping was not answered/);
    await client.terminate();
    await rejected;
  });
});

it("goes on beside a test's fake timers", async () => {
  vi.useFakeTimers();
  try {
    const upgrade = () => ({ expiresAt: Date.now() + 3_600_000 });
    await using client = await connect(createSpryWs({ heartbeat: false }).handler({ ...echo, upgrade }));
    client.send("hello");
    expect(await client.text()).toBe("hello");
    vi.advanceTimersByTime(3_600_000);
    expect(await client.closed).toEqual({ code: 3000, reason: "credentials expired" });
  } finally {
    vi.useRealTimers();
  }
});
