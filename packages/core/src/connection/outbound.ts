import type { WebSocket } from "ws";
import type { Payload } from "../message.ts";
import type { Counters } from "../observe/metrics.ts";
import type { ResolvedOptions } from "../resolve-options.ts";

/** What the owner of an Outbound is told. */
export interface OutboundEvents {
  /** The send buffer has emptied after it was over the high-water mark. */
  drain(): void;
  /** A message was not sent because the send buffer is full. */
  limit(): void;
}

/** Sends the messages of one peer, bounds what waits for it, and tells when it is too much. */
export class Outbound {
  readonly #websocket: WebSocket;
  readonly #options: ResolvedOptions;
  readonly #counters: Counters;
  readonly #events: OutboundEvents;
  #isOverHighWaterMark = false;
  #drained: PromiseWithResolvers | undefined;

  constructor(websocket: WebSocket, options: ResolvedOptions, counters: Counters, events: OutboundEvents) {
    this.#websocket = websocket;
    this.#options = options;
    this.#counters = counters;
    this.#events = events;
  }

  /** Bytes that have not been handed to the operating system yet. */
  get bufferedAmount(): number {
    return this.#websocket.bufferedAmount;
  }

  /** False: not sent because the peer is not open or its buffer full, or sent and now over the high-water mark. */
  send({ data, isText }: Payload, compress = true): boolean {
    const websocket = this.#websocket;
    if (websocket.readyState !== websocket.OPEN) return false;
    const size = typeof data === "string" ? Buffer.byteLength(data) : data.byteLength;
    if (this.#isFull(size)) return false;
    websocket.send(data, { binary: !isText, compress }, this.#written);
    this.#counters.messagesSent++;
    this.#counters.bytesSent += size;
    if (websocket.bufferedAmount <= this.#options.highWaterMarkBytes) return true;
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
    this.#events.drain();
  };

  #isFull(size: number): boolean {
    const { sendBuffer } = this.#options;
    if (!sendBuffer) return false;
    const waiting = this.#websocket.bufferedAmount;
    if (waiting === 0 || waiting + size <= sendBuffer.maxBytes) return false;
    if (sendBuffer.onLimit === "close") this.#events.limit();
    else this.#counters.messagesDropped++;
    return true;
  }
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
