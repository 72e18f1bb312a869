import { wordsOf } from "../words.ts";

/** From here on the wide loop wins over the plain one, whose set-up costs nothing. */
const wideFrom = 128;
/** And over the one that goes by words, where there is a view for that. */
const wideFromWords = 512;

/** Of each byte of a word: set in what is not ASCII. */
const highBits = 0x80808080;

/**
 * XORs `bytes[start..end)` with the masking key in place (RFC 6455 section 5.3); doing so twice restores them.
 *
 * @param key the four bytes of the masking key
 * @returns below 0x80 if all bytes are known to be ASCII
 */
export function unmask(
  bytes: Buffer,
  start: number,
  end: number,
  k0: number,
  k1: number,
  k2: number,
  k3: number,
): number {
  const size = end - start;
  const words = size < wideFromWords ? wordsOf(bytes) : undefined;
  if (words) return unmaskWords(words, start, end, k0 | (k1 << 8) | (k2 << 16) | (k3 << 24));
  if (size >= wideFrom) {
    unmaskWide(bytes, start, end, [k0, k1, k2, k3]);
    return 0xff;
  }
  let all = 0;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    all |= (bytes[i] as number) ^ k0;
    all |= (bytes[i + 1] as number) ^ k1;
    all |= (bytes[i + 2] as number) ^ k2;
    all |= (bytes[i + 3] as number) ^ k3;
    (bytes[i] as number) ^= k0;
    (bytes[i + 1] as number) ^= k1;
    (bytes[i + 2] as number) ^= k2;
    (bytes[i + 3] as number) ^= k3;
  }
  if (i < end) all |= (bytes[i] as number) ^= k0;
  if (i + 1 < end) all |= (bytes[i + 1] as number) ^= k1;
  if (i + 2 < end) all |= (bytes[i + 2] as number) ^= k2;
  return all;
}

/** Four bytes at a time. @param key the masking key, its first byte lowest */
function unmaskWords(words: DataView, start: number, end: number, key: number): number {
  let all = 0;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    const word = words.getInt32(i, true) ^ key;
    words.setInt32(i, word, true);
    all |= word;
  }
  for (let rest = key; i < end; i++, rest >>= 8) {
    const byte = words.getUint8(i) ^ (rest & 0xff);
    words.setUint8(i, byte);
    all |= byte;
  }
  return (all & highBits) === 0 ? 0 : 0xff;
}

/** Eight bytes at a time, where memory is aligned for that; the bytes before and after one by one. */
function unmaskWide(bytes: Buffer, start: number, end: number, key: readonly number[]): void {
  let i = start;
  while ((bytes.byteOffset + i) % 8 !== 0) {
    (bytes[i] as number) ^= key[(i - start) & 3] as number;
    i++;
  }
  const count = (end - i) >> 3;
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset + i, count);
  const mask = wideKey(key, i - start);
  let word = 0;
  for (const last = count - 3; word < last; word += 4) {
    (words[word] as bigint) ^= mask;
    (words[word + 1] as bigint) ^= mask;
    (words[word + 2] as bigint) ^= mask;
    (words[word + 3] as bigint) ^= mask;
  }
  for (; word < count; word++) (words[word] as bigint) ^= mask;
  for (i += count * 8; i < end; i++) (bytes[i] as number) ^= key[(i - start) & 3] as number;
}

const keyBytes = new Uint8Array(8);
const keyWord = new BigUint64Array(keyBytes.buffer);

/** The key twice over, rotated to where the wide loop begins, in the byte order of this machine. */
function wideKey(key: readonly number[], rotation: number): bigint {
  for (let i = 0; i < 8; i++) keyBytes[i] = key[(i + rotation) & 3] as number;
  return keyWord[0] as bigint;
}
