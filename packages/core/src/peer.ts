import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { toEpochMs } from "./epoch.ts";
import { createError } from "./errors.ts";
import { Event, type EventState } from "./event.ts";
import { type MessageData, type Payload, toPayload } from "./message.ts";
import { compressOf } from "./options/call-options.ts";
import { assertNotReserved } from "./reserved-topics.ts";

/** The states of `peer.readyState`, numbered as in WHATWG's WebSocket. */
export const ReadyState = {
  /** The runtime does not tell. */
  unknown: -1,
  connecting: 0,
  open: 1,
  closing: 2,
  closed: 3,
} as const;

export type ReadyState = (typeof ReadyState)[keyof typeof ReadyState];

/** Options of `peer.send`. */
export interface SendOptions {
  /**
   * Whether to compress this message, where permessage-deflate was negotiated.
   * @default true
   */
  compress?: boolean;
}

/** @internal What a peer needs of its connection. */
export interface PeerLink {
  readonly context: unknown;
  readonly websocket: WebSocket;
  /** The same, fit for the user's code. */
  readonly exposedWebSocket: WebSocket;
  readonly bufferedAmount: number;
  readonly outbound: {
    send(payload: Payload, compress?: boolean): boolean;
    drained(): Promise<void>;
  };
  readonly latencyMs: number | undefined;
  readonly topics: ReadonlySet<string>;
  ping(data: string | Uint8Array): void;
  close(code?: number, reason?: string): Promise<void>;
  expireAt(at: number): void;
  terminate(): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  publish(topic: string, data: MessageData): void;
  /** Takes an error of code that runs for the peer. */
  report(error: unknown): void;
}

/**
 * The client at the other end of a WebSocket. A peer is also the event its `upgrade` hook got: `get`, `set` and all
 * composables work on it.
 */
export class Peer<Context = unknown> extends Event {
  readonly #link: PeerLink;
  #id: string | undefined;

  /** @internal */
  constructor(link: PeerLink, state: EventState) {
    super(state);
    this.#link = link;
  }

  /** @internal Undefined for what is no peer. */
  static link(peer: unknown): PeerLink | undefined {
    return typeof peer === "object" && peer !== null && #link in peer ? peer.#link : undefined;
  }

  /** A random UUID, made on first use: one for each connection, so a client that reconnects has a new one. */
  get id(): string {
    this.#id ??= randomUUID();
    return this.#id;
  }

  /** What the `upgrade` hook returned as `context`. */
  get context(): Context {
    return this.#link.context as Context;
  }

  get readyState(): ReadyState {
    return this.#link.websocket.readyState ?? ReadyState.unknown;
  }

  /** The subprotocol that was selected, or `""`. */
  get protocol(): string {
    return this.#link.websocket.protocol;
  }

  /** The extensions that were negotiated: `"permessage-deflate"` or `""`. */
  get extensions(): string {
    return this.#link.websocket.extensions;
  }

  /** How many bytes wait to be handed to the operating system. */
  get bufferedAmount(): number {
    return this.#link.bufferedAmount;
  }

  /**
   * Round trip of the last ping of the heartbeat in milliseconds; undefined before the first one, which goes out when
   * nothing has come from the peer for a while.
   */
  get latencyMs(): number | undefined {
    return this.#link.latencyMs;
  }

  /** The topics this peer is subscribed to; in the `close` hook, those it was subscribed to. */
  get topics(): ReadonlySet<string> {
    return this.#link.topics;
  }

  /**
   * The WebSocket of the `ws` library, for code that is written for it. It works as without this library: listeners of
   * `message` get every message, as does the `message` hook; what is sent there and what the peer sends keep their order. What
   * is sent there is not counted in the metrics, nor bounded by `sendBuffer`. What a listener throws or rejects with is treated
   * as if a hook had thrown it.
   *
   * @example
   * open(peer) {
   *   const stream = createWebSocketStream(peer.websocket);
   *   return pipeline(stream, transform, stream);
   * }
   */
  get websocket(): WebSocket {
    return this.#link.exposedWebSocket;
  }

  /**
   * Sends a message: a string or a text `Message` as text, all else as binary. What is sent is what the data is now: it may be
   * changed or transferred at once, whatever its size.
   *
   * @returns true if the peer can take more. False if more than `highWaterMarkBytes` now wait (the message is sent all the
   * same; wait for `drained()` or the `drain` hook), if the message was dropped (`sendBuffer.onLimit`), or if the peer is no longer
   * open and the message is not sent.
   * @throws TypeError `SPRY_WS_DATA` for data that is neither text nor bytes, `SPRY_WS_OPTION` for other options
   * @example
   * for await (const row of rows) {
   *   if (!peer.send(Message.json(row))) await peer.drained();
   *   if (peer.readyState !== ReadyState.open) return;
   * }
   */
  send(data: MessageData, options?: SendOptions): boolean {
    const compress = options === undefined ? undefined : compressOf(options, "peer.send(data, options)");
    return this.#link.outbound.send(toPayload(data, "peer.send(data)"), compress);
  }

  /**
   * Resolves when all that was sent has been handed to the operating system, at once if `send` has not returned false since it
   * last was. Resolves too when the peer is closed, and for one that is not open in the next turn of the event loop: a loop
   * that goes on sending holds up nobody. Never rejects.
   */
  drained(): Promise<void> {
    return this.#link.outbound.drained();
  }

  /**
   * Sends a ping, which every client answers by itself. Nothing happens if the peer is not open.
   *
   * @param data up to 125 bytes (RFC 6455 section 5.5)
   * @throws RangeError `SPRY_WS_PING` for more
   */
  ping(data: string | ArrayBuffer | ArrayBufferView = ""): void {
    const payload = toPayload(data, "peer.ping(data)") as string | Uint8Array;
    const length = Buffer.byteLength(payload);
    if (length > 125) {
      throw createError(
        "SPRY_WS_PING",
        `peer.ping(data) takes up to 125 bytes, not ${length} (RFC 6455 section 5.5)`,
      );
    }
    this.#link.ping(payload);
  }

  /**
   * Starts the closing handshake, after everything that was sent. Messages that come later, or wait for a running hook,
   * are no longer delivered.
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999. Without it the close frame has no code, and both sides see
   * 1005; with a reason alone it is 1000.
   * @param reason up to 123 bytes of UTF-8; a longer one is cut at the end of a character
   * @returns a promise that settles when the handshake has ended and the socket is closed, `closeTimeoutMs` after the peer has
   * stopped reading at the latest. It never rejects.
   * @throws RangeError `SPRY_WS_CLOSE` for another code, before anything is sent
   */
  close(code?: number, reason?: string): Promise<void> {
    return this.#link.close(code, reason);
  }

  /**
   * Sets anew when the peer's credentials expire: it is closed then with 3000. Without `expiresAt` from the `upgrade` hook this
   * starts it.
   *
   * @param expiresAt a Date, or milliseconds since the epoch
   * @throws RangeError `SPRY_WS_EXPIRY` for what is no point in time
   * @example
   * message(peer, message) {
   *   const { token } = message.json<{ token: string }>();
   *   peer.renew(verify(token).exp * 1000);
   * }
   */
  renew(expiresAt: Date | number): void {
    this.#link.expireAt(toEpochMs(expiresAt));
  }

  /** Destroys the socket at once, without a closing handshake: `close` is called with 1006. */
  terminate(): void {
    this.#link.terminate();
  }

  /**
   * Subscribes to a topic: any string but those that begin with `spry.`, which are the topics of services. Doing so twice changes
   * nothing.
   *
   * @throws TypeError `SPRY_WS_TOPIC` if it is not a string, or a service's
   */
  subscribe(topic: string): void {
    assertNotReserved(topic, "peer.subscribe(topic)");
    if (this.readyState === ReadyState.open) this.#link.subscribe(topic);
  }

  /** Ends a subscription. A closed peer is subscribed to nothing, without this call. */
  unsubscribe(topic: string): void {
    this.#link.unsubscribe(topic);
  }

  /**
   * Sends a message to every other subscriber of a topic, also from a peer that is not subscribed itself. With a `backplane` also
   * to those of other processes.
   *
   * @throws TypeError `SPRY_WS_DATA` as `send` does, `SPRY_WS_TOPIC` as `subscribe` does
   */
  publish(topic: string, data: MessageData): void {
    assertNotReserved(topic, "peer.publish(topic, data)");
    this.#link.publish(topic, data);
  }
}
