const loneSurrogate = /\p{Surrogate}/u;

/** Whether a string survives the way to UTF-8 and back. */
export function isWellFormed(text: string): boolean {
  return !loneSurrogate.test(text);
}

/**
 * The channel of a topic. UTF-8 would turn every lone surrogate into the same replacement character, so different topics would
 * have the same channel. A topic with a lone surrogate is therefore written as a NUL and its JSON, which escapes surrogates. A topic
 * that starts with a NUL itself is written in the same way, so that no two topics have the same channel.
 */
export function channelOf(prefix: string, topic: string): string {
  const isPlain = isWellFormed(topic) && !topic.startsWith("\0");
  return isPlain ? prefix + topic : `${prefix}\0${JSON.stringify(topic)}`;
}

/** The slot of a channel in a Redis cluster: CRC16 (XMODEM) of the name, or of what its first `{…}` encloses. */
export function slotOf(channel: string): number {
  const open = channel.indexOf("{");
  const close = open < 0 ? -1 : channel.indexOf("}", open + 1);
  const hashed = close > open + 1 ? channel.slice(open + 1, close) : channel;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80_00 ? (crc << 1) ^ 0x10_21 : crc << 1;
    crc &= 0xff_ff;
  }
  return crc % 16_384;
}
