// WebSocket frames (RFC 6455 section 5.2), as far as a load client needs them.

/** Any key but zero, which would make unmasking free. */
export const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

const opcodes = { text: 0x1, binary: 0x2 };

/**
 * @param {string | Buffer} data a string becomes a text frame
 * @param {boolean} masked as a client must, and a server must not
 */
export function encodeFrame(data, masked) {
  const payload = Buffer.from(data);
  const opcode = typeof data === "string" ? opcodes.text : opcodes.binary;
  const header = encodeHeader(0x80 | opcode, payload.length, masked);
  if (!masked) return Buffer.concat([header, payload]);
  return Buffer.concat([header, MASK, mask(payload)]);
}

/**
 * What a client answers a ping or a close frame with.
 *
 * @param {number} opcode
 * @param {Buffer} data at most 125 bytes
 */
export function encodeControl(opcode, data) {
  return Buffer.concat([encodeHeader(0x80 | opcode, data.length, true), MASK, mask(Buffer.from(data))]);
}

function mask(payload) {
  for (let i = 0; i < payload.length; i++) payload[i] ^= MASK[i & 3];
  return payload;
}

function encodeHeader(firstByte, length, masked) {
  const mask = masked ? 0x80 : 0;
  if (length < 126) return Buffer.from([firstByte, mask | length]);
  if (length < 65_536) return Buffer.from([firstByte, mask | 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = firstByte;
  header[1] = mask | 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/**
 * The first frame of `bytes`, which come from a server.
 *
 * @returns {{ isCompressed: boolean, payload: Buffer, size: number } | undefined} undefined if it is not all there
 */
export function decodeFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const headerSize = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < headerSize) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const size = headerSize + length;
  if (bytes.length < size) return undefined;
  return { isCompressed: (bytes[0] & 0x40) !== 0, payload: bytes.subarray(headerSize, size), size };
}

/** Counts the frames of a stream whose frames differ in size, by their headers alone. */
export class FrameCounter {
  #header = Buffer.alloc(10);
  #headerLength = 0;
  #rest = 0;

  /**
   * @param {Buffer} bytes
   * @param {number} count how many of the bytes are new
   * @returns {number} how many frames ended in them
   */
  add(bytes, count) {
    let frames = 0;
    let at = 0;
    while (at < count) {
      if (this.#rest > 0) {
        const step = Math.min(this.#rest, count - at);
        at += step;
        this.#rest -= step;
        if (this.#rest === 0) frames++;
        continue;
      }
      this.#header[this.#headerLength++] = bytes[at++];
      if (this.#readHeader() && this.#rest === 0) frames++;
    }
    return frames;
  }

  #readHeader() {
    if (this.#headerLength < 2) return false;
    const short = this.#header[1] & 0x7f;
    const headerSize = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (this.#headerLength < headerSize) return false;
    if (short < 126) this.#rest = short;
    else if (short === 126) this.#rest = this.#header.readUInt16BE(2);
    else this.#rest = Number(this.#header.readBigUInt64BE(2));
    this.#headerLength = 0;
    return true;
  }
}
