import { Readable } from "node:stream";
import {
  createPublisher,
  createSpryWs,
  defineHooks,
  isSpryWsError,
  Message,
  memoryBackplane,
} from "@spry-ws/core";
import { describe, expect, it } from "vitest";

describe("Message", () => {
  it("decodes and encodes once", () => {
    const message = Message.bytes(new TextEncoder().encode("é"));
    expect(message.text()).toBe("é");
    expect(message.bytes()).toBe(message.bytes());
    expect(Message.text("é").bytes()).toEqual(new Uint8Array([0xc3, 0xa9]));
    expect(`${Message.text("a")}`).toBe("a");
  });

  it("keeps a byte order mark, and replaces invalid UTF-8 in binary messages", () => {
    expect(Message.bytes(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).text()).toBe("\ufeffa");
    expect(Message.bytes(new Uint8Array([0xff])).text()).toBe("\ufffd");
  });

  it("parses JSON, and throws for what is none", () => {
    expect(Message.text('{"a":[1]}').json<{ a: number[] }>().a).toEqual([1]);
    expect(() => Message.text("{").json()).toThrow(SyntaxError);
  });

  it("gives bytes of the class its type names, not a Buffer whose slice shares memory", () => {
    const bytes = Message.bytes(Buffer.from("abc")).bytes();
    expect(Buffer.isBuffer(bytes)).toBe(false);
    expect(bytes).toEqual(new Uint8Array([97, 98, 99]));
  });

  it.each([
    ["Message.text(5)", () => Message.text(5 as never), /takes a string, not a number.*Message\.json/],
    ["Message.text(blob)", () => Message.text(new Blob([]) as never), /not a Blob.*await value\.text\(\)/],
    ["Message.bytes('a')", () => Message.bytes("a" as never), /not a string.*Message\.text/],
    ["Message.bytes(blob)", () => Message.bytes(new Blob([]) as never), /await value\.arrayBuffer\(\)/],
    [
      "Message.json(promise)",
      () => Message.json(Promise.resolve(1)),
      /write a Promise as \{\}; await it first/,
    ],
    ["Message.json(blob)", () => Message.json(new Blob(["a"])), /write a Blob as \{\}.*arrayBuffer\(\)/],
    ["Message.json(stream)", () => Message.json(new ReadableStream()), /as \{\}.*for await/],
    ["Message.json(undefined)", () => Message.json(undefined), /cannot write undefined as JSON/],
    ["Message.json(1n)", () => Message.json(1n), /cannot write a bigint as JSON/],
  ])("throws for %s", (_name, call, text) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(text);
    expect(catchError(call)).toSatisfy(isSpryWsError);
  });
});

describe("isSpryWsError", () => {
  it.each(["toString", "constructor", "__proto__", "ERR_INVALID_ARG_TYPE"])(
    "is false for the code %s",
    (code) => {
      expect(isSpryWsError(Object.assign(new Error("of another library"), { code }))).toBe(false);
    },
  );
});

describe("data that no frame carries", () => {
  class Message {
    readonly isText = true;
  }

  it.each<[string, unknown, RegExp]>([
    ["an object", { a: 1 }, /not an object; to send it as JSON write Message\.json\(value\)/],
    ["a number", 5, /not a number; to send it as JSON write Message\.json\(value\)/],
    ["null", null, /not null; to send it as JSON/],
    ["undefined", undefined, /not undefined; an empty message is ""/],
    ["a Blob", new Blob(["a"]), /not a Blob; write await value\.arrayBuffer\(\)/],
    ["a File", new File(["a"], "a.txt"), /not a File; write await value\.arrayBuffer\(\)/],
    ["a Response", new Response("a"), /not a Response; write await value\.arrayBuffer\(\)/],
    ["a promise", Promise.resolve("a"), /not a Promise; await it first/],
    // biome-ignore lint/suspicious/noThenProperty: what a query builder is
    ["a thenable", { then() {} }, /not an object; await it first/],
    ["a stream", new ReadableStream(), /not a ReadableStream; write for await/],
    ["a stream of Node's", Readable.from(["a"]), /not a Readable; write for await/],
    ["an async generator", (async function* () {})(), /write for await/],
    ["a function", () => "a", /not a function; call it/],
    ["an async function", async () => "a", /not a function; call it, and send what it returns in the end/],
    ["a BigInt", 1n, /not a bigint; write String\(value\)/],
    ["a URL", new URL("http://a"), /not a URL; write String\(value\)/],
    ["a Map", new Map(), /not a Map; write Message\.json\(Object\.fromEntries\(value\)\)/],
    ["a Set", new Set(), /not a Set; write Message\.json\(\[\.\.\.value\]\)/],
    ["an Error", new Error("a"), /not an Error; write Message\.json\(\{ message: value\.message \}\)/],
    ["shared memory", new SharedArrayBuffer(1), /write new Uint8Array\(value\)/],
    [
      "a Buffer that was JSON",
      JSON.parse(JSON.stringify(Buffer.from("a"))),
      /write Buffer\.from\(value\.data\)/,
    ],
    ["a Message of another copy", new Message(), /of another copy of @spry-ws\/core/],
  ])("is refused with what to write instead: %s", (_name, data, text) => {
    const publish = () => createSpryWs().publish("topic", data as never);
    expect(publish).toThrow(text);
    expect(catchError(publish)).toMatchObject({ code: "SPRY_WS_DATA" });
  });

  it("is not what shared memory is a view of", () => {
    expect(() => createSpryWs().publish("topic", new Uint8Array(new SharedArrayBuffer(1)))).not.toThrow();
  });
});

describe("defineHooks", () => {
  it("gives back its hooks", () => {
    const hooks = { open() {} };
    expect(defineHooks(hooks)).toBe(hooks);
  });

  it("takes an object of a class", () => {
    class Chat {
      readonly store = new Map();
      open(): void {}
    }
    expect(() => defineHooks(new Chat())).not.toThrow();
  });

  it.each([
    [undefined, /takes an object of hooks, not undefined/],
    [[], /takes an object of hooks, not an array/],
    [{ onMessage() {} }, /no hook "onMessage"; the hooks are upgrade, open, message, drain, close, error/],
    [{ open: "x" }, /the hook "open" is a string, not a function/],
    [new Map(), /a Map has none of the hooks upgrade, open, message/],
    [{ default: {} }, /no hook "default".*of an imported module give what it exports as default/],
  ])("throws for %o", (hooks, text) => {
    expect(() => defineHooks(hooks as never)).toThrow(text);
  });
});

describe("a route", () => {
  const listener = (socket: { on(name: string): void }, _request: unknown): void => socket.on("message");

  it("says at once that listeners of other libraries and middleware are no hooks", () => {
    const mount = () => createSpryWs().handler(listener as never);
    expect(mount).toThrow(
      /a function of an event.*not a function of 2 parameters.*write \{ message\(peer, message\)/,
    );
    expect(catchError(mount)).toMatchObject({ code: "SPRY_WS_HOOKS" });
    expect(() => createSpryWs().handler((_event) => ({}))).not.toThrow();
  });

  it("says at once that a fallback is no handler", () => {
    expect(() => createSpryWs().handler({}, "a page" as never)).toThrow(
      /the fallback is a string, not a handler/,
    );
  });
});

describe("options", () => {
  it.each([
    [5, /takes an object of options, not a number/],
    [{ maxPayLoad: 1 }, /no option "maxPayLoad"; the options are backplane, backplaneBuffer/],
    [{ maxPayload: "1mb" }, /"maxPayload" must be a whole number of at least 0, not "1mb"/],
    [{ maxPayload: Number.NaN }, /"maxPayload" must be a whole number of at least 0, not NaN/],
    [
      { maxPayload: Number.POSITIVE_INFINITY },
      /"maxPayload" must be a whole number of at least 0, not Infinity/,
    ],
    [
      { heartbeat: { intervalMs: 2 ** 31 } },
      /"heartbeat.intervalMs" must be at most 2147483647 \(24.8 days\)/,
    ],
    [{ path: 5 }, /"path" must be a string, a RegExp or a list of them, not 5/],
    [{ path: ["/a", "b"] }, /"path" must be a path that starts with "\/".*, not "b"/],
    [
      { origin: 5 },
      /"origin" must be "same", "\*", an origin, a RegExp, a list of them or a function, not 5/,
    ],
    [{ backplane: {} }, /"backplane" must be a backplane, like redis\(\{ client \}\)/],
    [{ concurrency: 0 }, /"concurrency" must be a whole number of at least 1, not 0/],
    [{ onError: "log" }, /"onError" must be a function, not "log"/],
    [{ shutdown: 5_000 }, /"shutdown" must be an object of options, not 5000/],
    [
      { shutdown: { deadline: 5 } },
      /no option "shutdown.deadline"; there are code, reason, deadlineMs, jitterMs/,
    ],
    [{ shutdown: { reason: 5 } }, /"shutdown.reason" must be a string, not 5/],
    [
      { shutdown: { jitterMs: Number.POSITIVE_INFINITY } },
      /"shutdown.jitterMs" must be a number.*not Infinity/,
    ],
    [{ perMessageDeflate: "yes" }, /"perMessageDeflate" must be true, false or an object, not "yes"/],
    [{ perMessageDeflate: { treshold: 1 } }, /no option "perMessageDeflate.treshold"; there are .*threshold/],
    [
      { perMessageDeflate: { threshold: "1kb" } },
      /"perMessageDeflate.threshold" must be a whole number of at least 0/,
    ],
    [
      { perMessageDeflate: { serverMaxWindowBits: 16 } },
      /"perMessageDeflate.serverMaxWindowBits".*from 8 to 15, not 16/,
    ],
    [
      { perMessageDeflate: { clientNoContextTakeover: 1 } },
      /clientNoContextTakeover" must be true or false, not 1/,
    ],
    [{ origin: "localhost:5173" }, /"origin" must be as browsers send it.*not "localhost:5173"/],
    [{ origin: "https://app.example/" }, /"origin" must be as browsers send it/],
    [{ origin: ["same", "https://*.app.example"] }, /for several a RegExp.*not "https:\/\/\*\.app\.example"/],
    [{ origin: "https://app.example:443" }, /"origin" must be as browsers send it/],
    [{ path: [] }, /"path" is an empty list, which no handshake would match/],
    [{ path: "/chat?v=1" }, /"path" must be .* without parameters and query.*not "\/chat\?v=1"/],
    [{ path: "/rooms/:room" }, /for parameters write a RegExp\), not "\/rooms\/:room"/],
    [{ path: ["/files/*"] }, /for parameters write a RegExp/],
    [{ rateLimit: {} }, /"rateLimit" must have "messages" or "bytes", or be false/],
    [{ rateLimit: { perMs: 500 } }, /"rateLimit" must have "messages" or "bytes"/],
    [{ rateLimit: { messages: 0 } }, /"rateLimit" must have "messages" or "bytes"/],
    [{ backplaneBuffer: { maxBytes: 1 } }, /"backplaneBuffer" is nothing without "backplane"/],
    [
      { perMessageDeflate: { zlibDeflateOptions: { level: 99 } } },
      /"perMessageDeflate\.zlibDeflateOptions": .*level.*99/,
    ],
    [
      { perMessageDeflate: { zlibDeflateOptions: { levle: 1 } } },
      /no option "perMessageDeflate\.zlibDeflateOptions\.levle"; there are chunkSize, level, memLevel, strategy/,
    ],
    [
      { perMessageDeflate: { zlibDeflateOptions: { windowBits: 10 } } },
      /zlibDeflateOptions\.windowBits" has no effect: write serverMaxWindowBits/,
    ],
    [
      { perMessageDeflate: { zlibInflateOptions: { level: 1 } } },
      /zlibInflateOptions\.level"; there are chunkSize/,
    ],
    [{ perMessageDeflate: { zlibInflateOptions: { chunkSize: 1 } } }, /zlibInflateOptions": .*chunkSize/],
    [{ perMessageDeflate: { zlibDeflateOptions: 9 } }, /zlibDeflateOptions" must be an object, not 9/],
    [{ headers: {}, url: "/" }, /this is a request: write app\.use\(spryWs\(\)\), with the parentheses/],
  ])("throws for %o", (options, text) => {
    expect(() => createSpryWs(options as never)).toThrow(text);
    expect(catchError(() => createSpryWs(options as never))).toMatchObject({ code: "SPRY_WS_OPTION" });
  });

  it.each(["https://app.example:8443", "http://[::1]:5173", "capacitor://localhost", "file://", ["*"]])(
    "takes the origin %s",
    (origin) => {
      expect(() => createSpryWs({ origin })).not.toThrow();
    },
  );

  it("takes undefined for a default", () => {
    const options = (given: object): unknown => Reflect.get(createSpryWs(given), "options");
    const perMessageDeflate = { threshold: 0 };
    expect(options({ maxPayload: undefined, perMessageDeflate })).toEqual(options({ perMessageDeflate }));
    expect(() =>
      createSpryWs({
        maxPayload: undefined,
        rateLimit: undefined,
        path: undefined,
        backplane: undefined,
        backplaneBuffer: { maxBytes: 1 },
        perMessageDeflate: { threshold: 0, zlibDeflateOptions: { level: 1, strategy: undefined } },
      } as never),
    ).not.toThrow();
  });
});

describe("the options of calls", () => {
  const publisher = () => createPublisher({ backplane: memoryBackplane() });

  it.each<[string, () => unknown, RegExp]>([
    [
      "a misspelt one",
      () => createSpryWs().ready({ timeout: 5 } as never),
      /no option "timeout"; there is timeoutMs/,
    ],
    [
      "NaN",
      () => createSpryWs().ready({ timeoutMs: Number.NaN }),
      /"timeoutMs" must be .*, or Infinity, not NaN/,
    ],
    [
      "a number in place of them",
      () => createSpryWs().ready(5_000 as never),
      /takes \{ timeoutMs \} as its options, not a number/,
    ],
    [
      "a publisher's",
      () => publisher().ready({ timeout: 5 } as never),
      /ready\(options\): there is no option "timeout"/,
    ],
    [
      "a publisher's close",
      async () => publisher().close({ deadline: 5 } as never),
      /no option "deadline"; there is deadlineMs/,
    ],
    [
      "a negative deadline",
      async () => publisher().close({ deadlineMs: -1 }),
      /"deadlineMs" must be .* not -1/,
    ],
  ])("are an error where they would do nothing: %s", async (_what, call, text) => {
    const error = await (async () => call())().catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "SPRY_WS_OPTION", message: expect.stringMatching(text) });
  });

  it("may be as long as they like", async () => {
    await using open = publisher();
    await open.ready({ timeoutMs: Number.POSITIVE_INFINITY });
    await open.close({ deadlineMs: 0 });
  });
});

function catchError(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
