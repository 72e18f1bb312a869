import { type JetStreamHistoryOptions, jetStreamHistory, type NatsConnectionLike } from "@spry-ws/nats";
import { describe, expect, it } from "vitest";

const connection: NatsConnectionLike = {
  publish() {},
  subscribe: () => ({ unsubscribe() {} }),
  flush: async () => {},
  async *status() {},
  closed: () => new Promise(() => {}),
  isClosed: () => false,
};

describe("the options of jetStreamHistory", () => {
  it("are few: a connection is enough", () => {
    expect(jetStreamHistory({ connection }).name).toBe("jetstream");
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [
      { connection: undefined },
      /"connection" must be .* not undefined: write jetStreamHistory\(\{ connection: await/,
    ],
    [
      { client: connection },
      /jetStreamHistory\(\) has no option "client"; the options are connection, prefix/,
    ],
    [{ prefix: "a.*" }, /"prefix" must be letters, .* not "a\.\*"/],
    [{ prefix: 5 }, /"prefix" must be letters, .* not 5/],
    [{ stream: "a.b" }, /"stream" must be letters, digits, _ and -, not "a\.b"/],
    [{ create: 1 }, /"create" must be true or false, not 1/],
    [{ maxMessages: 0 }, /"maxMessages" must be a whole number from 1, not 0/],
    [{ maxBytes: "1 GB" }, /"maxBytes" must be a whole number of bytes from 1, or Infinity, not "1 GB"/],
    [{ idWindowMs: 10 }, /"idWindowMs" must be a whole number of milliseconds from 100, not 10/],
    [{ replicas: 7 }, /"replicas" must be a whole number from 1 to 5, not 7/],
    [{ domain: "a b" }, /"domain" must be letters, digits, _ and -, not "a b"/],
    [
      { apiPrefix: "a..b" },
      /"apiPrefix" must be the first parts of a subject, such as "\$JS\.API", not "a\.\.b"/,
    ],
    [{ domain: "hub", apiPrefix: "$JS.hub.API" }, /"domain" and "apiPrefix" say the same: write one of them/],
  ])("%o are an error", (given, message) => {
    const options = { connection, ...given } as JetStreamHistoryOptions;
    expect(() => jetStreamHistory(options)).toThrow(message);
    expect(() => jetStreamHistory(options)).toThrow(expect.objectContaining({ code: "SPRY_WS_OPTION" }));
  });
});
