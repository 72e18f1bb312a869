/** The first byte of a frame (RFC 6455 section 5.2): FIN, three reserved bits, and the opcode. */

/** The last frame of its message; alone, where the message is in one piece. */
export const fin = 0x80;
/** All bits that only extensions use. */
export const allReserved = 0x70;
/** RSV1: the message that begins here is compressed (RFC 7692 section 6). */
export const rsv1 = 0x40;
/** Where the opcode is. */
export const opcodeBits = 0x0f;
/** The bit of an opcode that control frames have and data frames have not. */
export const controlBit = 0x08;

export const continuation = 0x0;
export const text = 0x1;
/** The last opcode of data frames; those up to 0x7 are reserved. */
export const binary = 0x2;
/** The first opcode of control frames. */
const close = 0x8;
/** The last opcode of control frames; those up to 0xf are reserved. */
export const pong = 0xa;

/** A whole text message. */
export const finText: number = fin | text;
/** A whole binary message. */
export const finBinary: number = fin | binary;
export const finClose: number = fin | close;
