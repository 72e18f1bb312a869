import type { EventEmitter } from "node:events";
import { WebSocket } from "ws";

/** Where an exposed WebSocket keeps its hatch. */
const kHatch = Symbol("spry-ws escape hatch");

/** What a WebSocket that is handed out tells and asks. */
export interface Hatch {
  binaryType: string;
  isPausedByUser: boolean;
  /** Whether anything keeps the socket from being read. */
  readonly isPaused: boolean;
  /** All that waits to be sent, from whichever side. */
  readonly bufferedAmount: number;
  /** Writes what the peer has sent and is not written yet. */
  flush(): void;
  /** A message or a part of it has been given to `ws`. */
  sent(isLast: boolean): void;
  /** A ping has been given to `ws`. */
  pinged(): void;
  /** There is a new listener. */
  listened(event: string | symbol): void;
  emit(event: string | symbol, args: unknown[]): boolean;
}

/** The WebSocket of `ws`, whose accessors its types call properties. */
interface EngineWebSocket extends EventEmitter {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  readonly readyState: number;
  send(data: unknown, options?: unknown, callback?: unknown): void;
  ping(...args: unknown[]): void;
  pong(...args: unknown[]): void;
  close(...args: unknown[]): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

type Listener = Parameters<EventEmitter["on"]>[1];

const Engine = WebSocket as unknown as new () => EngineWebSocket;

/** Makes a WebSocket of `ws` an exposed one, in step with what the peer does. */
export function expose(websocket: WebSocket, hatch: Hatch): void {
  Object.assign(websocket, { [kHatch]: hatch });
  Object.setPrototypeOf(websocket, ExposedWebSocket.prototype);
}

/** Only its prototype is used, as one more between the object and the prototype of `ws`. */
class ExposedWebSocket extends Engine {
  declare readonly [kHatch]: Hatch;

  // Sending: behind what the peer has sent.

  override send(data: unknown, options?: unknown, callback?: unknown): void {
    const hatch = this[kHatch];
    const isOpen = this.readyState === WebSocket.OPEN;
    hatch.flush();
    super.send(data, options, callback);
    if (isOpen) hatch.sent(isLast(options));
  }

  override ping(...args: unknown[]): void {
    const isOpen = this.readyState === WebSocket.OPEN;
    this[kHatch].flush();
    super.ping(...args);
    if (isOpen) this[kHatch].pinged();
  }

  override pong(...args: unknown[]): void {
    this[kHatch].flush();
    super.pong(...args);
  }

  override close(...args: unknown[]): void {
    this[kHatch].flush();
    super.close(...args);
  }

  override terminate(): void {
    this[kHatch].flush();
    super.terminate();
  }

  override get bufferedAmount(): number {
    return this[kHatch].bufferedAmount;
  }

  // Reading: what pauses the socket for our own reasons is not shown, and not undone.

  override get isPaused(): boolean {
    return this[kHatch].isPausedByUser;
  }

  override pause(): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this[kHatch].isPausedByUser = true;
    super.pause();
  }

  override resume(): void {
    const hatch = this[kHatch];
    hatch.isPausedByUser = false;
    if (!hatch.isPaused) super.resume();
  }

  // Listening.

  override get binaryType(): string {
    return this[kHatch].binaryType;
  }

  override set binaryType(type: string) {
    const hatch = this[kHatch];
    super.binaryType = hatch.binaryType;
    // Unknown types change nothing.
    super.binaryType = type;
    hatch.binaryType = super.binaryType;
    // The hook needs bytes, of which all but the fragments can be made.
    if (hatch.binaryType !== "fragments") super.binaryType = "nodebuffer";
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    return this[kHatch].emit(event, args);
  }

  override on(event: string | symbol, listener: Listener): this {
    super.on(event, listener);
    this[kHatch].listened(event);
    return this;
  }

  override addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }

  override prependListener(event: string | symbol, listener: Listener): this {
    super.prependListener(event, listener);
    this[kHatch].listened(event);
    return this;
  }
}

/** Whether a call of `send` ends its message, with the default of `ws`: `{ fin: undefined }` does not. */
function isLast(options: unknown): boolean {
  return typeof options === "object" && options !== null && "fin" in options ? Boolean(options.fin) : true;
}
