/**
 * What one instance asks of the others that are subscribed to a topic. It travels over the topic itself, and so comes in order with what
 * is published there, and only to those whom it concerns:
 *
 * | byte 0 | from byte 1 on |
 * |---|---|
 * | 1: close the subscribers | close code (2 bytes), reason as UTF-8 |
 * | 2: how many subscribers? | number of the question (6 bytes), the topic for the answer as UTF-8 |
 *
 * Other kinds are those of later versions.
 */
export type Control =
  | { readonly kind: "disconnect"; readonly code: number; readonly reason: string }
  | { readonly kind: "count"; readonly question: number; readonly answerTo: string };

const kinds = { disconnect: 1, count: 2 } as const;
const codeSize = 2;
const questionSize = 6;
const countSize = 6;

export function encodeControl(control: Control): Uint8Array {
  const { kind } = control;
  const isCount = kind === "count";
  const textAt = 1 + (isCount ? questionSize : codeSize);
  const text = isCount ? control.answerTo : control.reason;
  const bytes = Buffer.alloc(textAt + Buffer.byteLength(text));
  bytes[0] = kinds[kind];
  bytes.writeUIntBE(isCount ? control.question : control.code, 1, textAt - 1);
  bytes.write(text, textAt);
  return bytes;
}

/** @returns undefined for what is of another version */
export function decodeControl(data: Uint8Array): Control | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes[0] === kinds.disconnect && bytes.length > codeSize)
    return { kind: "disconnect", code: bytes.readUIntBE(1, codeSize), reason: bytes.toString("utf8", 3) };
  if (bytes[0] === kinds.count && bytes.length > questionSize) {
    const answerTo = bytes.toString("utf8", 1 + questionSize);
    return { kind: "count", question: bytes.readUIntBE(1, questionSize), answerTo };
  }
  return undefined;
}

/** An answer is an ordinary message. */
export function encodeAnswer(question: number, count: number): Uint8Array {
  const bytes = Buffer.alloc(questionSize + countSize);
  bytes.writeUIntBE(question, 0, questionSize);
  bytes.writeUIntBE(count, questionSize, countSize);
  return bytes;
}

/** @returns undefined for what is no answer */
export function decodeAnswer(data: Uint8Array): { question: number; count: number } | undefined {
  if (data.byteLength !== questionSize + countSize) return undefined;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { question: bytes.readUIntBE(0, questionSize), count: bytes.readUIntBE(questionSize, countSize) };
}
