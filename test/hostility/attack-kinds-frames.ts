import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { closeFrame, frame } from "../fixtures/raw.ts";
import { anyFrame, cut, ending, fewBytes, frames, honestFrame, mutated, noise, wait } from "./arbitraries.ts";
import type { Step } from "./attack.ts";
import { openTarget } from "./handshakes.ts";
import { announce, deflating, invalidUtf8, mask, opening, violation } from "./violations.ts";

const mib = 1_048_576;

function repeat(one: Buffer, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => one));
}

function send(bytes: Buffer): Step {
  return { do: "send", bytes };
}

/** A handshake, then what the arbitrary gives. */
function afterOpening(steps: fc.Arbitrary<Step[]>, target = openTarget): fc.Arbitrary<Step[]> {
  return fc
    .tuple(
      target.map((one) => opening(one)),
      steps,
    )
    .map(([open, rest]) => [open, ...rest]);
}

/** The server must answer these bytes with a close frame. */
function closedWith(code: number, bytes: fc.Arbitrary<Buffer>, target = openTarget): fc.Arbitrary<Step[]> {
  return afterOpening(
    fc
      .tuple(frames(honestPing, 2), bytes)
      .map(([before, bad]): Step[] => [send(Buffer.concat([before, bad])), { do: "expect close", code }]),
    target,
  );
}

const honestPing = fewBytes.map((data) => frame(data, { opcode: 9 }));
const dataOpcode = fc.constantFrom(1, 2);

/** A limit on the whole message: each fragment is small enough. */
const oversizedMessage = Buffer.concat([
  frame(Buffer.alloc(65_536), { opcode: 2, fin: false }),
  repeat(frame(Buffer.alloc(65_536), { opcode: 0, fin: false }), 16),
]);
const tooManyFragments = Buffer.concat([
  frame("", { fin: false }),
  repeat(frame("", { opcode: 0, fin: false }), 16_400),
]);
const bomb = frame(deflateRawSync(Buffer.alloc(2 * mib)), { opcode: 2, rsv: 4 });

/** What can be done with frames to a connection that the server has accepted. */
export const frameKinds: Readonly<Record<string, fc.Arbitrary<Step[]>>> = {
  "random bytes as frames": afterOpening(
    fc.tuple(fc.oneof(fewBytes, noise(5_000)).map(send), wait(20), ending),
  ),
  "frames of any make": afterOpening(fc.tuple(frames(anyFrame, 10).map(send), wait(20), ending)),
  "mutated frames": afterOpening(fc.tuple(mutated(frames(honestFrame)).map(send), wait(20), ending)),

  "unmasked frame": closedWith(1002, violation.unmasked),
  "reserved opcode or bit": closedWith(1002, violation.reserved),
  "bad control frame": closedWith(1002, violation.control),
  "fragments out of order": closedWith(1002, violation.fragments),
  "invalid UTF-8": closedWith(1007, violation.utf8),
  "bad close frame": closedWith(1002, violation.close),
  "announced too long": closedWith(1009, violation.announcedTooLong),
  "oversized in fragments": closedWith(1009, fc.constant(oversizedMessage)),
  "hook that throws": closedWith(
    1011,
    fc.constantFrom("throw", "reject").map((word) => repeat(frame(word), 3)),
    fc.constantFrom("/throws", "/throws-unheard"),
  ),

  "announced and not sent": afterOpening(
    fc
      .tuple(
        fc.tuple(dataOpcode, fc.constantFrom(126, 65_535, 65_536, mib)).map(([o, n]) => announce(o, n)),
        fc.oneof(fc.constant(Buffer.alloc(0)), noise(100)),
        ending,
      )
      .map(([header, some, end]) => [send(Buffer.concat([header, mask, some])), end]),
  ),
  "gone in the middle of a frame": afterOpening(fc.tuple(cut(honestFrame).map(send), wait(10), ending)),
  "message without end": afterOpening(
    fc
      .tuple(dataOpcode, fc.integer({ min: 1, max: 60 }), ending)
      .map(([opcode, count, end]) => [
        send(
          Buffer.concat([
            frame("a", { opcode, fin: false }),
            repeat(frame("b", { opcode: 0, fin: false }), count),
          ]),
        ),
        end,
      ]),
  ),

  "flood of pings": afterOpening(
    fc
      .tuple(fc.integer({ min: 100, max: 1_000 }), fc.nat(125), ending)
      .map(([count, length, end]) => [send(repeat(frame(Buffer.alloc(length), { opcode: 9 }), count)), end]),
  ),
  "flood of empty fragments": afterOpening(
    fc
      .tuple(fc.integer({ min: 100, max: 2_000 }), fc.boolean(), ending)
      .map(([count, isLong, end]): Step[] =>
        isLong
          ? [send(tooManyFragments), { do: "expect close", code: 1008 }]
          : [send(tooManyFragments.subarray(0, count * 6)), end],
      ),
  ),
  "flood of tiny messages": afterOpening(
    fc
      .tuple(fc.integer({ min: 50, max: 500 }), fc.constantFrom("", "a", "slow", "é"), ending)
      .map(([count, text, end]) => [send(repeat(frame(text), count)), end]),
    fc.constantFrom("/echo", "/sync", "/throws"),
  ),
  "flood of large messages": afterOpening(
    fc
      .tuple(fc.integer({ min: 10, max: 40 }), ending)
      .map(([count, end]) => [send(repeat(frame(`slow${"x".repeat(30_000)}`), count)), end]),
    fc.constant("/echo"),
  ),
  "messages in order": afterOpening(
    fc.integer({ min: 2, max: 30 }).map((count): Step[] => {
      const texts = Array.from({ length: count }, (_, i) => `slow ${i}`);
      return [
        send(Buffer.concat(texts.map((text) => frame(text)))),
        ...texts.map((text): Step => ({ do: "expect echo", text })),
      ];
    }),
    fc.constantFrom("/echo", "/sync", "/guarded"),
  ),
  "reads nothing": afterOpening(
    fc
      .tuple(fc.integer({ min: 1, max: 8 }), wait(30), ending)
      .map(([count, pause, end]) => [
        { do: "stop reading" },
        send(repeat(frame(Buffer.alloc(30_000), { opcode: 2 }), count)),
        pause,
        end,
      ]),
    fc.constantFrom("/echo", "/sync"),
  ),

  "proper close": closedWith(4321, fc.constant(closeFrame(4321, "bye"))),
  "frames after close": afterOpening(
    fc
      .tuple(fc.constantFrom(1000, 3000, 4999), frames(anyFrame), noise(50))
      .map(([code, more, rest]): Step[] => [
        send(Buffer.concat([closeFrame(code), more, rest])),
        { do: "expect close", code },
      ]),
  ),

  "compressed noise": fc.tuple(
    fc.constant(deflating),
    fc.tuple(noise(300), fc.boolean()).map(([data, fin]) => send(frame(data, { opcode: 1, rsv: 4, fin }))),
    wait(20),
    ending,
  ),
  "decompression bomb": fc.constant([deflating, send(bomb), { do: "expect close", code: 1009 }]),
  "invalid UTF-8 in a close": closedWith(
    1007,
    invalidUtf8.map((text) => closeBytes(1000, text)),
  ),
};

function closeBytes(code: number, reason: Buffer): Buffer {
  return frame(Buffer.concat([Buffer.from([code >> 8, code & 0xff]), reason]), { opcode: 8 });
}
