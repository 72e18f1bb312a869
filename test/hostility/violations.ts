import fc from "fast-check";
import { closeFrame, frame, handshake } from "../fixtures/raw.ts";
import { fewBytes } from "./arbitraries.ts";
import type { Step } from "./attack.ts";

export const mask: Buffer = Buffer.from([1, 2, 3, 4]);

/** The head of a masked frame, without the mask: its length is a promise. */
export function announce(opcode: number, length: number | bigint): Buffer {
  const head = Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

export function opening(target: string, headers: Readonly<Record<string, string>> = {}): Step {
  return { do: "open", handshake: Buffer.from(handshake({ target, headers })) };
}

/** The same with permessage-deflate. */
export const deflating: Step = {
  do: "open",
  handshake: Buffer.from(
    handshake({ target: "/echo", headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } }),
  ),
};

/** Overlong, a surrogate, beyond Unicode, cut short, a lone continuation, never valid (RFC 3629). */
export const invalidUtf8: fc.Arbitrary<Buffer> = fc
  .constantFrom("c080", "eda080", "f4908080", "e282", "80", "ff", "fe")
  .chain((hex) => fc.nat(10).map((count) => Buffer.from("61".repeat(count) + hex, "hex")));

const fin = fc.boolean();

/** Frames that violate RFC 6455, by the rule. */
export const violation = {
  /** Section 5.1. */
  unmasked: fc
    .tuple(fc.constantFrom(1, 2, 8, 9), fewBytes)
    .map(([opcode, data]) => frame(data, { opcode, masked: false })),

  /** Section 5.2. */
  reserved: fc.oneof(
    fc
      .tuple(fc.constantFrom(3, 4, 5, 6, 7, 11, 12, 13, 14, 15), fin, fewBytes)
      .map(([opcode, isLast, data]) => frame(data, { opcode, fin: isLast })),
    fc
      .tuple(fc.constantFrom(1, 2, 8, 9, 10), fc.integer({ min: 1, max: 7 }), fewBytes)
      .map(([opcode, rsv, data]) => frame(data, { opcode, rsv })),
  ),

  /** Section 5.5: too long, or a fragment. */
  control: fc.constantFrom(8, 9, 10).chain((opcode) =>
    fc.oneof(
      fc.constant(frame(Buffer.alloc(126), { opcode })),
      fewBytes.map((data) => frame(data, { opcode, fin: false })),
      fc.constant(Buffer.concat([announce(opcode, 2n ** 40n), mask])),
    ),
  ),

  /** Section 5.4: a continuation of nothing, a message within a message. */
  fragments: fc.oneof(
    fc.tuple(fin, fewBytes).map(([isLast, data]) => frame(data, { opcode: 0, fin: isLast })),
    fc
      .tuple(fin, fewBytes)
      .map(([isLast, data]) =>
        Buffer.concat([frame("a", { fin: false }), frame(data, { opcode: 2, fin: isLast })]),
      ),
  ),

  /** Section 8.1, whole and in fragments. */
  utf8: fc
    .tuple(invalidUtf8, fin)
    .map(([text, isWhole]) =>
      isWhole
        ? frame(text)
        : Buffer.concat([
            frame(text.subarray(0, -1), { fin: false }),
            frame(text.subarray(-1), { opcode: 0 }),
          ]),
    ),

  /** Section 7.4: codes that nobody may send, and half of one. */
  close: fc.oneof(
    fc
      .constantFrom(0, 999, 1004, 1005, 1006, 1015, 1100, 2999, 5000, 65_535)
      .map((code) => closeFrame(code, "bad")),
    fc.constant(frame("x", { opcode: 8 })),
  ),

  /** Past `maxPayload`, past what a number can tell, past what RFC 6455 section 5.2 allows. */
  announcedTooLong: fc
    .tuple(
      fc.constantFrom(1, 2),
      fc.constantFrom(1_048_577n, 2n ** 32n, 2n ** 53n, 2n ** 62n, 2n ** 64n - 1n),
    )
    .map(([opcode, length]) => Buffer.concat([announce(opcode, length), mask])),
} satisfies Record<string, fc.Arbitrary<Buffer>>;
