import fc from "fast-check";
import { frame } from "../fixtures/raw.ts";
import { anyFrame, cut, ending, fewBytes, frames, honestFrame, mutated, noise, wait } from "./arbitraries.ts";
import type { Step } from "./attack.ts";
import { anyTarget, odd, openTarget, plain, valid } from "./handshakes.ts";

const crlf = Buffer.from("\r\n");

function send(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Step> {
  return bytes.map((one) => ({ do: "send", bytes: one }));
}

/** What can be done to a server before the 101, and instead of it. */
export const httpKinds: Readonly<Record<string, fc.Arbitrary<Step[]>>> = {
  "random bytes": fc.tuple(
    send(fc.oneof(fewBytes, noise(5_000))),
    wait(20),
    send(fc.oneof(fc.constant(crlf), noise(100))),
    ending,
  ),

  "odd handshake": fc.tuple(send(odd), wait(60), ending),

  "odd handshake, then frames": fc.tuple(send(odd), wait(30), send(frames(anyFrame)), wait(30), ending),

  "mutated handshake": fc.tuple(send(mutated(valid(anyTarget))), wait(50), send(frames(honestFrame)), ending),

  "plain requests": fc.tuple(
    send(fc.array(plain, { minLength: 1, maxLength: 4 }).map((all) => Buffer.concat(all))),
    wait(60),
    ending,
  ),

  // The upgrade comes while the response to the request before it is still pending.
  "pipelined handshakes": fc.tuple(
    send(
      fc
        .tuple(fc.oneof(plain, fc.constant(get("/slow"))), fc.oneof(valid(anyTarget), odd), valid(anyTarget))
        .map((all) => Buffer.concat(all)),
    ),
    wait(60),
    ending,
  ),

  // Each is answered as if it asked for nothing, whether it comes behind the response to the one before or ahead of it.
  "requests for other protocols": fc
    .tuple(fc.integer({ min: 2, max: 15 }), fc.boolean(), fc.constantFrom("h2c", "TLS/1.0"))
    .map(([count, isPipelined, upgrade]): Step[] => {
      const one = get("/", `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`);
      const all = Array.from({ length: count }, () => one);
      const response: Step = { do: "expect response", status: 200 };
      if (!isPipelined) return all.flatMap((bytes) => [{ do: "send", bytes }, response]);
      return [{ do: "send", bytes: Buffer.concat(all) }, ...all.map(() => response)];
    }),

  "handshake after requests": fc
    .tuple(valid(openTarget), fc.integer({ min: 1, max: 3 }))
    .map(([handshake, count]): Step[] => [
      ...Array.from({ length: count }).flatMap((): Step[] => [
        { do: "send", bytes: get("/") },
        { do: "expect response", status: 200 },
      ]),
      { do: "open", handshake },
      { do: "send", bytes: frame("", { opcode: 8 }) },
      { do: "expect close", code: 1005 },
    ]),

  "half a handshake": fc.tuple(send(cut(valid(anyTarget))), wait(30), ending),

  "gone while hooks are pending": fc.tuple(send(valid(anyTarget)), wait(20), ending),

  "gone behind early frames": fc.tuple(
    send(fc.tuple(valid(anyTarget), frames(anyFrame)).map((all) => Buffer.concat(all))),
    wait(20),
    ending,
  ),

  "slow handshake": fc.tuple(
    fc
      .tuple(fc.oneof(valid(openTarget), cut(valid(openTarget)), odd), fc.integer({ min: 1, max: 4 }))
      .map(([bytes, everyMs]): Step => ({ do: "drip", bytes: bytes.subarray(0, 400), everyMs })),
    ending,
  ),

  "early frames": fc
    .tuple(
      valid(openTarget.filter((target) => target !== "/topic")),
      fc.string({ unit: "grapheme", maxLength: 20 }),
    )
    .map(([handshake, text]): Step[] => [
      { do: "open", handshake, early: Buffer.concat([frame("", { opcode: 9 }), frame(`early ${text}`)]) },
      { do: "expect echo", text: `early ${text}` },
      { do: "send", bytes: frame("", { opcode: 8 }) },
      { do: "expect close", code: 1005 },
    ]),
};

function get(target: string, headers = ""): Buffer {
  return Buffer.from(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
}
