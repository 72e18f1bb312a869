import type { AsyncResource } from "node:async_hooks";
import { type EventEmitter, errorMonitor } from "node:events";
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Message, Payload } from "../message.ts";
import { isThenable } from "../promises.ts";
import { expose, type Hatch } from "./exposed-websocket.ts";
import type { Outbound, OutboundHatch } from "./outbound.ts";

type Listener = Parameters<EventEmitter["on"]>[1];
type EventName = string | symbol;

/** Whose WebSocket is handed out. */
export interface EscapeHatchOwner {
  readonly websocket: WebSocket;
  readonly socket: Duplex;
  /** Listeners run in the request's async context, as hooks do. */
  readonly scope: AsyncResource;
  readonly outbound: Outbound;
  /** The messages that have come and that the `message` hook was not called with yet. */
  readonly waitingMessages: readonly Message[];
  /** A listener has got a message of those that wait. */
  heard(message: Message): void;
  /** A ping has been sent: its answer does not count against `rateLimit`. */
  pinged(): void;
  /** Takes what a listener threw or rejected with. */
  listenerFailed(error: unknown): void;
}

/**
 * Makes the WebSocket of `ws` fit to be handed out. Whoever listens gets every message, also those that are read past `ws`; what
 * is sent there and what the peer sends stay in order; and the user's listeners and pauses are kept apart from our own.
 *
 * It is installed when `peer.websocket` is first asked for: by giving that one object a prototype between it and that of `ws`.
 */
export class EscapeHatch implements Hatch, OutboundHatch {
  readonly #owner: EscapeHatchOwner;
  /** Our own listeners: not on the emitter, where `removeAllListeners` would find them. */
  readonly #own: ReadonlyMap<EventName, readonly Listener[]>;
  binaryType: string;
  /** A message is being sent through the WebSocket in fragments, and its last fragment has not been sent. */
  isFragmenting = false;
  /** What the peer has sent meanwhile: no message may stand between the fragments of another (RFC 6455 section 5.4). */
  #held: { payload: Payload; compress: boolean }[] = [];
  #heldBytes = 0;
  isPausedByUser = false;
  #isPausedByQueue: boolean;
  /** How many of the last messages had no listener. At first nobody could listen, so all of them. */
  #unheard: number = Number.POSITIVE_INFINITY;
  /** Messages that came before there was a listener, until it hears them at the end of this tick. */
  #backlog: Message[] | undefined;

  private constructor(owner: EscapeHatchOwner) {
    const { websocket } = owner;
    this.#owner = owner;
    this.#own = new Map(
      websocket.eventNames().map((name) => [name, websocket.rawListeners(name) as Listener[]]),
    );
    this.binaryType = websocket.binaryType;
    this.#isPausedByQueue = websocket.isPaused;
  }

  static install(owner: EscapeHatchOwner): EscapeHatch {
    const { websocket, socket } = owner;
    const hatch = new EscapeHatch(owner);
    websocket.removeAllListeners();
    expose(websocket, hatch);
    // `ws` resumes the socket when it has decompressed what it has got, unless `isPaused`: which now tells of the user alone. Bun's
    // own `ws` has no receiver.
    const { _receiver: receiver } = websocket as unknown as { readonly _receiver: EventEmitter | null };
    receiver?.removeAllListeners("drain");
    receiver?.on("drain", () => {
      if (!hatch.isPaused) socket.resume();
    });
    return hatch;
  }

  // What the connection tells and asks.

  /** A message has come. True: a listener has got it, or will. */
  hear(message: Message, fragments?: readonly Buffer[]): boolean {
    if (this.#backlog) {
      this.#backlog.push(message);
      return true;
    }
    if (!this.isListening) {
      this.#unheard++;
      return false;
    }
    this.#unheard = 0;
    this.#dispatch("message", [this.#dataOf(message, fragments), !message.isText]);
    return true;
  }

  /** Whether anybody listens to messages. */
  get isListening(): boolean {
    return this.#owner.websocket.listenerCount("message") > 0;
  }

  /** Bytes that wait behind the fragments of a message, in `ws`, and in the socket. */
  get waitingBytes(): number {
    return this.#heldBytes + Reflect.get(WebSocket.prototype, "bufferedAmount", this.#owner.websocket);
  }

  /** Keeps a message of the peer's until the last fragment has been sent. */
  hold(payload: Payload, compress: boolean): void {
    this.#held.push({ payload, compress });
    this.#heldBytes += sizeOf(payload);
  }

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Whether the socket is not read, for whatever reason. */
  get isPaused(): boolean {
    return this.isPausedByUser || this.#isPausedByQueue;
  }

  pause(): void {
    this.#isPausedByQueue = true;
    WebSocket.prototype.pause.call(this.#owner.websocket);
  }

  resume(): void {
    this.#isPausedByQueue = false;
    if (!this.isPausedByUser) WebSocket.prototype.resume.call(this.#owner.websocket);
  }

  /** The connection is being closed: nothing is delivered any more, and the peer's close frame has to be read. */
  close(): void {
    this.#backlog = undefined;
    this.isPausedByUser = false;
    this.resume();
  }

  end(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  // What the WebSocket tells and asks.

  get bufferedAmount(): number {
    return this.#owner.outbound.bufferedAmount;
  }

  flush(): void {
    this.#owner.outbound.flush();
  }

  emit(event: EventName, args: unknown[]): boolean {
    if (event !== "newListener" && event !== "removeListener") this.#hearBacklog();
    const own = this.#own.get(event);
    if (own) for (const listener of own) Reflect.apply(listener, this.#owner.websocket, args);
    // Where `ws` reads the messages it tells the connection of them, which tells `hear`.
    if (event === "message" && own) return true;
    return this.#dispatch(event, args);
  }

  /** There is a new listener: it also gets the messages that came before it and that the hook has not got yet. */
  listened(event: EventName): void {
    if (event !== "message" || this.#backlog || this.#unheard === 0) return;
    const waiting = this.#owner.waitingMessages;
    const unheard = waiting.slice(Math.max(0, waiting.length - this.#unheard));
    if (unheard.length === 0) return;
    this.#backlog = unheard;
    process.nextTick(() => this.#hearBacklog());
  }

  /** A message or a part of it has been given to `ws`. */
  sent(isLast: boolean): void {
    this.isFragmenting = !isLast;
    if (!isLast || this.#held.length === 0) return;
    const held = this.#held;
    this.end();
    for (const { payload, compress } of held) this.#owner.outbound.sendByEngine(payload, compress);
  }

  pinged(): void {
    this.#owner.pinged();
  }

  #hearBacklog(): void {
    while (this.#backlog && this.#backlog.length > 0 && this.isListening) {
      const message = this.#backlog.shift() as Message;
      this.#dispatch("message", [this.#dataOf(message), !message.isText]);
      this.#owner.heard(message);
    }
    if (!this.#backlog) return;
    this.#unheard = this.#backlog.length;
    this.#backlog = undefined;
  }

  /** The data of the event `message`, as `ws` gives it. */
  #dataOf(message: Message, fragments?: readonly Buffer[]): unknown {
    const { buffer, byteOffset, byteLength } = message.bytes();
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    if (message.isText) return bytes;
    if (this.binaryType === "arraybuffer") return message.arrayBuffer();
    if (this.binaryType === "fragments") return fragments ?? (byteLength > 0 ? [bytes] : []);
    return this.binaryType === "blob" ? message.blob() : bytes;
  }

  /** Calls the user's listeners, none of which can end the process. */
  #dispatch(event: EventName, args: unknown[]): boolean {
    const { websocket, scope } = this.#owner;
    if (event === "error") this.#dispatch(errorMonitor, args);
    const listeners = websocket.rawListeners(event) as Listener[];
    for (const listener of listeners) scope.runInAsyncScope(this.#call, this, listener, args);
    return listeners.length > 0;
  }

  #call(listener: Listener, args: unknown[]): void {
    try {
      const result: unknown = Reflect.apply(listener, this.#owner.websocket, args);
      if (isThenable(result)) {
        Promise.resolve(result).then(undefined, (error: unknown) => this.#owner.listenerFailed(error));
      }
    } catch (error) {
      this.#owner.listenerFailed(error);
    }
  }
}

function sizeOf(payload: Payload): number {
  return typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
}
