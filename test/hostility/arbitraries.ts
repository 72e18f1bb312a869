import { createHash } from "node:crypto";
import fc from "fast-check";
import { frame } from "../fixtures/raw.ts";
import type { Ending, Step } from "./attack.ts";

/** Bytes without any structure. Only their seed and length come from fast-check: it would take long over each byte. */
export function noise(maxLength: number): fc.Arbitrary<Buffer> {
  return fc.tuple(fc.nat(), fc.nat(maxLength)).map(([seed, outputLength]) => {
    if (outputLength === 0) return Buffer.alloc(0);
    return createHash("shake256", { outputLength }).update(String(seed)).digest();
  });
}

/** Few bytes, rich in edge cases. */
export const fewBytes: fc.Arbitrary<Buffer> = fc
  .uint8Array({ maxLength: 20 })
  .map((bytes) => Buffer.from(bytes));

/** Where in a sequence, whatever its length. */
const place = fc.double({ min: 0, max: 1, noNaN: true });

/** A beginning of the bytes, from none of them to all but one. */
export function cut(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(bytes, place)
    .map(([all, where]) => all.subarray(0, Math.floor(where * Math.max(0, all.length - 1))));
}

const edit = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(([where, bit]) => (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    const at = index(copy, where);
    if (copy.length > 0) copy[at] = (copy[at] as number) ^ (1 << bit);
    return copy;
  }),
  fc.tuple(place, fewBytes).map(([where, inserted]) => (bytes: Buffer) => {
    const at = index(bytes, where);
    return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 20 })).map(([where, length]) => (bytes: Buffer) => {
    const at = index(bytes, where);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([where, length]) => (bytes: Buffer) => {
    const at = index(bytes, where);
    return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
  }),
);

function index(bytes: Buffer, where: number): number {
  return Math.floor(where * Math.max(0, bytes.length - 1));
}

/** The bytes with one to three of them flipped, inserted, taken out or repeated. */
export function mutated(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(bytes, fc.array(edit, { minLength: 1, maxLength: 3 }))
    .map(([all, edits]) => edits.reduce((edited, apply) => apply(edited), all));
}

const dataOpcode = fc.constantFrom(1, 2);

/** Text of the hooks' interest among other payloads. */
const payload: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 2, arbitrary: fewBytes },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 60 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.constantFrom("slow", "throw", "reject").map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: noise(3_000) },
);

/** Frames as a client may send them. */
export const honestFrame: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(dataOpcode, payload).map(([opcode, data]) => frame(data, { opcode })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(9, 10).chain((opcode) => fewBytes.map((b) => frame(b, { opcode }))),
  },
);

/** Frames of any make, most of them violations. */
export const anyFrame: fc.Arbitrary<Buffer> = fc
  .record({
    opcode: fc.nat(15),
    fin: fc.boolean(),
    rsv: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
    masked: fc.oneof(
      { weight: 5, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    data: payload,
  })
  .map(({ data, ...rest }) => frame(data, rest));

export function frames(one: fc.Arbitrary<Buffer>, maxLength = 6): fc.Arbitrary<Buffer> {
  return fc.array(one, { minLength: 1, maxLength }).map((all) => Buffer.concat(all));
}

/** A wait of up to `maxMs`, often none at all: what comes in one segment takes another way than what comes in two. */
export function wait(maxMs: number): fc.Arbitrary<Step> {
  return fc.oneof(fc.constant(0), fc.integer({ min: 1, max: maxMs })).map((ms) => ({ do: "wait", ms }));
}

export const ending: fc.Arbitrary<Step> = fc
  .constantFrom<Ending>("reset", "close", "half-close", "leave")
  .map((how) => ({ do: "end", how }));
