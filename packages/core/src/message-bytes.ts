import { wordsOf } from "./words.ts";

/** What Buffer's `copy` costs before it copies the first byte is more than a loop over so many bytes, or so many words of four. */
const copyOneByOneUpTo = 32;
const copyByWordsUpTo = 96;

/** Copies `source[start..end)` to a place in a frame. @param words those of `target`, where they are at hand */
export function copyInto(
  source: Uint8Array,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  words: DataView | undefined,
): void {
  const sourceWords = words && end - start <= copyByWordsUpTo ? wordsOf(source) : undefined;
  if (words && sourceWords) copyWords(sourceWords, start, end, words, at);
  else if (end - start <= copyOneByOneUpTo)
    for (let i = start; i < end; i++) target[at + i - start] = source[i] as number;
  else if (source instanceof Buffer) source.copy(target, at, start, end);
  else target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
}

function copyWords(source: DataView, start: number, end: number, target: DataView, at: number): void {
  const shift = at - start;
  let i = start;
  for (const last = end - 3; i < last; i += 4) target.setInt32(i + shift, source.getInt32(i, true), true);
  for (; i < end; i++) target.setUint8(i + shift, source.getUint8(i));
}

/** A copy of `source[start..end)` in memory of its own. */
export function copyOf(source: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start;
  const copy = new Uint8Array(size);
  if (size > copyOneByOneUpTo) copy.set(source.subarray(start, end));
  else for (let i = 0; i < size; i++) copy[i] = source[start + i] as number;
  return copy;
}

/** The header of a client's frame: two bytes, the longer forms of the length, a masking key (RFC 6455 section 5.2). */
function clientHeaderSize(size: number): number {
  return size < 126 ? 6 : size < 65_536 ? 8 : 14;
}

/** Whether a message that was read behind the header of its frame has the memory to itself. */
export function isAlone(source: Uint8Array, size: number): boolean {
  return source.buffer.byteLength === clientHeaderSize(size) + size;
}

/** Unlike a TextDecoder's default it keeps a byte order mark: the message is what the peer sent. */
export function decode(bytes: Uint8Array, start: number, end: number): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("utf8", start, end);
}
