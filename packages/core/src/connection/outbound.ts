import type { WebSocket } from "ws";
import type { Payload } from "../message.ts";

/** Sends the messages of one peer, and tells when too much of it waits. */
export class Outbound {
  readonly #websocket: WebSocket;
  readonly #highWaterMarkBytes: number;
  readonly #onDrain: () => void;
  #isOverHighWaterMark = false;
  #drained: PromiseWithResolvers | undefined;

  constructor(websocket: WebSocket, highWaterMarkBytes: number, onDrain: () => void) {
    this.#websocket = websocket;
    this.#highWaterMarkBytes = highWaterMarkBytes;
    this.#onDrain = onDrain;
  }

  /** Bytes that have not been handed to the operating system yet. */
  get bufferedAmount(): number {
    return this.#websocket.bufferedAmount;
  }

  /** False: not sent because the peer is not open, or sent and now over the high-water mark. */
  send({ data, isText }: Payload, compress = true): boolean {
    const websocket = this.#websocket;
    if (websocket.readyState !== websocket.OPEN) return false;
    websocket.send(data, { binary: !isText, compress }, this.#written);
    if (websocket.bufferedAmount <= this.#highWaterMarkBytes) return true;
    this.#isOverHighWaterMark = true;
    return false;
  }

  /** Resolves when the send buffer has emptied, at once if it is not over the mark, and when the peer is closed. */
  drained(): Promise<void> {
    if (!this.#isOverHighWaterMark) return Promise.resolve();
    this.#drained ??= withResolvers();
    return this.#drained.promise;
  }

  /** The connection has ended: nobody has to wait for it any more. */
  end(): void {
    this.#isOverHighWaterMark = false;
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  readonly #written = (): void => {
    if (!this.#isOverHighWaterMark || this.#websocket.bufferedAmount > 0) return;
    this.end();
    this.#onDrain();
  };
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  resolve(): void;
}

/** Promise.withResolvers, which Node has from 22 on. */
export function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
