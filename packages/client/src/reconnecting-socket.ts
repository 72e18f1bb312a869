import { isFinal } from "@spry-ws/contract/wire";
import { Connection, type ConnectionOptions, type Status, type UrlSource } from "./connection.ts";
import type { SocketData } from "./websocket.ts";

/** Options of a `ReconnectingSocket`. */
export interface ReconnectingSocketOptions extends ConnectionOptions {
  /** How many messages may wait for a connection. With more, `send` throws. @default 100 */
  maxWaiting?: number;
}

/** The events of a `ReconnectingSocket`, with their members besides `type`. */
export interface ReconnectingSocketEvents {
  /** There is a connection: the first one, or another after that was lost. */
  open: Event;
  message: Event & { readonly data: string | ArrayBuffer };
  /** The connection has ended, or an attempt has failed. Another attempt follows, unless `readyState` is 3. */
  close: Event & { readonly code: number; readonly reason: string };
  /** `status` has changed. */
  status: Event;
}

type Listener<Name extends keyof ReconnectingSocketEvents> = (
  event: ReconnectingSocketEvents[Name],
) => unknown;

/**
 * A WebSocket that reconnects by itself, for routes that are no service. Its API is that of the browser's WebSocket; binary messages
 * are ArrayBuffers. What was sent before the connection was lost may not have arrived: if that matters, use `connect` and a service.
 *
 * @throws TypeError for what is no URL, or where there is no WebSocket
 * @example
 * const socket = new ReconnectingSocket("/chat");
 * socket.addEventListener("message", ({ data }) => show(data));
 * socket.send("hello"); // waits for the connection
 */
export class ReconnectingSocket extends EventTarget {
  onopen: Listener<"open"> | null = null;
  onmessage: Listener<"message"> | null = null;
  onclose: Listener<"close"> | null = null;
  readonly #connection: Connection;
  readonly #maxWaiting: number;
  #waiting: SocketData[] = [];

  constructor(url: UrlSource, protocols: string | string[] = [], options: ReconnectingSocketOptions = {}) {
    super();
    this.#maxWaiting = options.maxWaiting ?? 100;
    this.#connection = new Connection(url, options, {
      protocols: () => [protocols].flat(),
      opened: () => {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const data of waiting) this.#connection.send(data);
        this.#tell("open");
      },
      received: (data) => this.#tell("message", { data }),
      ended: (code, reason) => {
        const next = isFinal(code) ? "give up" : "retry";
        // Later, so that a listener finds the new status.
        queueMicrotask(() => this.#tell("close", { code, reason }));
        return next;
      },
      statusChanged: () => this.#tell("status"),
      // A page cannot send pings: a dead connection is noticed only when the network reports it.
      doubted: () => {},
    });
  }

  /** What the socket is doing, and why. */
  get status(): Status {
    return this.#connection.status;
  }

  /** Numbered as in WHATWG WebSockets: 0 also during the pause before another attempt, 3 only when the socket is closed for good. */
  get readyState(): number {
    const { state } = this.status;
    return state === "open" ? 1 : state === "closed" ? 3 : 0;
  }

  /** The subprotocol the server has selected, or `""`. */
  get protocol(): string {
    return this.#connection.socket?.protocol ?? "";
  }

  /** Bytes that wait to be sent. */
  get bufferedAmount(): number {
    return this.#connection.socket?.bufferedAmount ?? 0;
  }

  /**
   * Sends a message, or keeps it until there is a connection.
   *
   * @throws Error if `maxWaiting` messages wait already, or if the socket is closed
   */
  send(data: SocketData): void {
    if (this.#connection.isOpen) {
      this.#connection.send(data);
      return;
    }
    if (this.readyState === 3) throw new Error("the socket is closed");
    if (this.#waiting.length >= this.#maxWaiting)
      throw new Error(`${this.#maxWaiting} messages wait for a connection already`);
    this.#waiting.push(data);
  }

  /** Closes the socket for good. */
  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason);
  }

  override addEventListener<Name extends keyof ReconnectingSocketEvents>(
    type: Name,
    listener: Listener<Name> | null,
    options?: { once?: boolean; signal?: AbortSignal },
  ): void {
    super.addEventListener(type, listener as never, options);
  }

  override removeEventListener<Name extends keyof ReconnectingSocketEvents>(
    type: Name,
    listener: Listener<Name> | null,
  ): void {
    super.removeEventListener(type, listener as never);
  }

  #tell(type: keyof ReconnectingSocketEvents, detail: object = {}): void {
    const event = Object.assign(new Event(type), detail);
    if (type !== "status") this[`on${type}`]?.(event as never);
    this.dispatchEvent(event);
  }
}
