import { setImmediate as nextTurn } from "node:timers/promises";
import { channelsWaiting, type Run } from "../fan-out.ts";
import { frameMessage } from "../frames/frame.ts";
import type { PublishedMessage } from "../frames/published-message.ts";
import { type DeflateInternals, internalsOf, type WebSocketInternals } from "../frames/ws-internals.ts";
import { isTextPayload, Message, type Payload } from "../message.ts";
import type { Counters } from "../observe/metrics.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { type PromiseWithResolvers, withResolvers } from "../promises.ts";
import { PendingFrames, type PendingFramesOwner } from "./pending-frames.ts";

/** RFC 6455 section 5.2, without a mask. */
const maxHeaderBytes = 10;

const nothing = Buffer.alloc(0);

/** What else sends on the same WebSocket: the user's code, to which it has been handed out. */
export interface OutboundHatch {
  /** Bytes that wait behind the fragments of a message, in `ws`, and in the socket. */
  readonly waitingBytes: number;
  /** A message is being sent in fragments. */
  readonly isFragmenting: boolean;
  /** Messages of the peer's wait for its last fragment. */
  readonly isHolding: boolean;
  hold(payload: Payload, compress: boolean): void;
}

/** Whose messages are sent. */
export interface OutboundOwner extends PendingFramesOwner {
  /** Where the WebSocket has been handed out. */
  readonly hatch: OutboundHatch | undefined;
  readonly options: ResolvedOptions;
  readonly owner: { readonly counters: Counters };
  /** Shares what was published before, and was not shared yet. */
  catchUp(): void;
  /** The send buffer has emptied after `send` had returned false. */
  onDrain(): void;
  /** A message was not sent because the send buffer is full. */
  onLimit(): void;
}

/**
 * Sends the messages of one peer, bounds what waits for it, and tells when it is too much. Frames are written straight to the
 * socket, once per tick, where nothing in `ws` could come before them: no message it compresses or sends in fragments.
 */
export class Outbound {
  readonly #owner: OutboundOwner;
  /** Undefined where nothing can be done past `ws`. */
  readonly internals: WebSocketInternals | undefined;
  readonly #deflate: DeflateInternals | undefined;
  /** Made with the first message. */
  #pending: PendingFrames | undefined;
  /** `send` has returned false: over the high-water mark, or with a message that was dropped. */
  #owesDrain = false;
  /** The largest message that has been sent since nothing waited. */
  #largest = 0;
  #drained: PromiseWithResolvers | undefined;
  #onWritten: (() => void) | undefined;

  constructor(owner: OutboundOwner) {
    this.#owner = owner;
    this.internals = internalsOf(owner.websocket);
    this.#deflate = this.internals?._extensions["permessage-deflate"];
  }

  /** Bytes that have not been handed to the operating system yet. */
  get bufferedAmount(): number {
    if (channelsWaiting > 0) this.#owner.catchUp();
    return this.waitingBytes;
  }

  /** The same, without what was published in this tick and is shared later. */
  get waitingBytes(): number {
    const pending = this.#pending?.byteLength ?? 0;
    const { hatch } = this.#owner;
    if (hatch) return pending + hatch.waitingBytes;
    const isPlain = this.internals && !this.#deflate;
    return pending + (isPlain ? this.#owner.socket.writableLength : this.#owner.websocket.bufferedAmount);
  }

  /** False: not sent because the peer is not open or its buffer full, or sent and now over the high-water mark. */
  send(payload: Payload, compress = true): boolean {
    if (channelsWaiting > 0) this.#owner.catchUp();
    const size = typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
    const waiting = this.waitingBytes;
    if (!this.#admit(size, waiting)) return false;
    if (this.#isDirect && !(compress && this.#deflate)) {
      const frames = this.#frames;
      frames.add(frameMessage(payload, size, isTextPayload(payload), false));
      frames.queue(false);
    } else {
      this.sendByEngine(payload, compress);
    }
    return this.#noteMark(size, waiting);
  }

  /** Sends a message that goes to others too. */
  share(message: PublishedMessage): void {
    const waiting = this.waitingBytes;
    if (!this.#admit(message.size, waiting)) return;
    const frame = this.#isDirect ? message.frameFor(this.#deflate) : undefined;
    if (frame) {
      this.#frames.add(frame);
      this.#frames.queue(true);
    } else this.sendByEngine(message.payload, true);
    this.#noteMark(message.size, waiting);
  }

  /** Sends many messages that go to others too. @param isWritten whether `flush` follows at once */
  shareAll(run: Run, isWritten: boolean): void {
    const { messages, byteLength, largest, frames, framesLength } = run;
    const waiting = this.waitingBytes;
    if (this.#owesDrain || !this.#isDirect || this.#deflate || waiting + framesLength > this.#lowestBound) {
      for (const message of messages) this.share(message);
      return;
    }
    const { websocket, owner } = this.#owner;
    if (websocket.readyState !== websocket.OPEN) return;
    if (waiting === 0 || largest > this.#largest) this.#largest = largest;
    owner.counters.messagesSent += messages.length;
    owner.counters.bytesSent += byteLength;
    const pending = this.#frames;
    for (const frame of frames) pending.add(frame);
    if (!isWritten) pending.queue(true);
  }

  /**
   * Sends a message that goes to others too, unless more would wait then than the high-water mark; one alone may be larger. It never
   * closes the peer, nor drops anything of what others send.
   *
   * @returns false if it is not sent; `drained` resolves when all that waits has been written
   */
  offer(message: PublishedMessage): boolean {
    const { websocket } = this.#owner;
    if (channelsWaiting > 0) this.#owner.catchUp();
    if (this.#owesDrain || websocket.readyState !== websocket.OPEN) return false;
    if (this.#hasRoom(message.size)) {
      this.share(message);
      return true;
    }
    this.#oweDrain();
    return false;
  }

  /** Writes what is pending, before `ws` writes something. */
  flush(): void {
    if (channelsWaiting > 0) this.#owner.catchUp();
    this.#pending?.write();
  }

  /** Resolves when the send buffer has emptied, at once if `send` has not returned false, and when the peer is closed. */
  drained(): Promise<void> {
    const { websocket } = this.#owner;
    // `send` is refused then: a loop of both must not keep the event loop from finding that the peer has gone.
    if (websocket.readyState !== websocket.OPEN) return nextTurn();
    if (channelsWaiting > 0) this.#owner.catchUp();
    if (!this.#owesDrain) return Promise.resolve();
    this.#drained ??= withResolvers();
    return this.#drained.promise;
  }

  /** The connection has ended: nobody has to wait for it any more. */
  end(): void {
    this.#pending?.clear();
    this.#settle();
  }

  get #frames(): PendingFrames {
    this.#pending ??= new PendingFrames(this.#owner);
    return this.#pending;
  }

  /** Up to here nothing has to be done about what waits. */
  get #lowestBound(): number {
    const { sendBuffer, highWaterMarkBytes } = this.#owner.options;
    return sendBuffer ? Math.min(sendBuffer.maxBytes, highWaterMarkBytes) : highWaterMarkBytes;
  }

  /** Whether a frame may be written past `ws`. */
  get #isDirect(): boolean {
    const sender = this.internals?._sender;
    return sender !== undefined && sender._state === 0 && sender._firstFragment && sender._queue.length === 0;
  }

  /** Whether a message may be sent; if so it is counted. */
  #admit(size: number, waiting: number): boolean {
    const { websocket, options, owner } = this.#owner;
    if (websocket.readyState !== websocket.OPEN) return false;
    const { sendBuffer, highWaterMarkBytes } = options;
    if (sendBuffer && waiting > 0 && !this.#makeRoom(size, waiting, sendBuffer.maxBytes)) {
      if (sendBuffer.onLimit === "close") this.#owner.onLimit();
      else {
        owner.counters.messagesDropped++;
        this.#oweDrain();
      }
      return false;
    }
    if (waiting === 0 || size > this.#largest) this.#largest = size;
    // This must happen before the message is added, which may write it at once. Its header counts too.
    if (waiting + size + maxHeaderBytes > highWaterMarkBytes) this.#frames.onWritten = this.#writtenListener;
    owner.counters.messagesSent++;
    owner.counters.bytesSent += size;
    return true;
  }

  /**
   * Makes room for a message by writing what is pending; false if there is not enough room even then. The largest message does
   * not count: one message may always wait, and it must not matter in which order it is sent with small ones.
   */
  #makeRoom(size: number, waiting: number, maxBytes: number): boolean {
    const counted = size - Math.max(size, this.#largest);
    if (waiting + counted <= maxBytes) return true;
    // What this tick has sent waits only where the operating system does not take it.
    this.flush();
    const left = this.waitingBytes;
    return left === 0 || left + counted <= maxBytes;
  }

  /** Whether a message fits under the high-water mark, and under `sendBuffer.maxBytes` if that is lower. */
  #hasRoom(size: number): boolean {
    const most = this.#lowestBound;
    const fits = (waiting: number) => waiting === 0 || waiting + size + maxHeaderBytes <= most;
    if (fits(this.waitingBytes)) return true;
    // What this tick has sent waits only where the operating system does not take it.
    this.flush();
    return fits(this.waitingBytes);
  }

  /** A caller that has got false waits for `drain`, even where no more waits than the high-water mark. */
  #oweDrain(): void {
    if (this.#owesDrain) return;
    this.#owesDrain = true;
    const frames = this.#frames;
    frames.onWritten = this.#writtenListener;
    if (frames.byteLength > 0) return;
    // What waits was written without a listener, so an empty write behind it tells when it is done.
    frames.underWay++;
    this.#owner.socket.write(nothing, this.#writtenListener);
  }

  /** Sends a message that has been admitted through `ws`, behind what waits there. */
  sendByEngine(payload: Payload, compress: boolean): void {
    const { hatch } = this.#owner;
    const isText = isTextPayload(payload);
    const data = isText ? String(payload) : copyOf(payload);
    if (hatch?.isFragmenting) {
      hatch.hold(data, compress);
      return;
    }
    this.flush();
    this.#frames.underWay++;
    try {
      this.#owner.websocket.send(data, { binary: !isText, compress }, this.#writtenListener);
    } catch (error) {
      this.#owner.onWriteError(error);
    }
  }

  /**
   * Owes a drain from when more waits than the high-water mark.
   *
   * @param waiting how many bytes waited before the message of this size was added
   * @returns false if one is owed
   */
  #noteMark(size: number, waiting: number): boolean {
    const mark = this.#owner.options.highWaterMarkBytes;
    // Nearly always: far enough below it not to ask again.
    if (!this.#owesDrain && waiting + size + maxHeaderBytes <= mark) return true;
    if (this.waitingBytes > mark) this.#owesDrain = true;
    else if (!this.#owesDrain) this.#frames.onWritten = undefined;
    return !this.#owesDrain;
  }

  /** Counts the writes and not what waits in the socket: pings and pongs behind them tell nobody that they are written. */
  get #writtenListener(): () => void {
    this.#onWritten ??= () => {
      const frames = this.#frames;
      frames.underWay--;
      if (!this.#owesDrain || frames.underWay > 0 || frames.byteLength > 0) return;
      if (this.#owner.hatch?.isHolding) return; // It is sent later, with this listener.
      if (this.#owner.socket.destroyed) return; // `end` follows, and settles.
      this.#settle();
      this.#owner.onDrain();
    };
    return this.#onWritten;
  }

  #settle(): void {
    this.#owesDrain = false;
    if (this.#pending) this.#pending.onWritten = undefined;
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}

/** `ws` reads bytes later, or in another thread: what the user's code does with them must change nothing then. */
function copyOf(payload: Payload): Buffer {
  return Buffer.from((payload instanceof Message ? payload.content : payload) as Uint8Array);
}
