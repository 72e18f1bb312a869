import type { Message } from "@spry-ws/koa";
import type { Game } from "./game.ts";

const headerBytes = 8;
const playerBytes = 8;

/**
 * The state as clients get it, big-endian: the tick in 32 bits, then in 16 bits each x and y of the coin, and for every
 * player id, x, y and score. 100 players are 808 bytes.
 */
export function encodeSnapshot(game: Game): Uint8Array {
  // A new one each time: the last one may still wait to be sent.
  const view = new DataView(new ArrayBuffer(headerBytes + game.players.size * playerBytes));
  view.setUint32(0, game.tick);
  view.setUint16(4, game.coin.x);
  view.setUint16(6, game.coin.y);
  let at = headerBytes;
  for (const { id, x, y, score } of game.players.values()) {
    for (const value of [id, x, y, score]) {
      view.setUint16(at, value);
      at += 2;
    }
  }
  return new Uint8Array(view.buffer);
}

/** The keys that are down, which a client sends as one byte; undefined for anything else. */
export function parseInput(message: Message): number | undefined {
  const [pressed] = message.bytes();
  return message.byteLength === 1 && !message.isText && pressed !== undefined && pressed < 16
    ? pressed
    : undefined;
}
