import { createPublisher, createSpryWs, memoryBackplane } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import { catchError } from "../fixtures/catch-error.ts";

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
    [{ releaseRequest: "yes" }, /"releaseRequest" must be true or false, not "yes"/],
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
