import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Frame } from "../frames/frame.ts";
import { join, type Ranges } from "../frames/ranges.ts";
import { turn, writeSoon } from "../write-queue.ts";

/** A range shorter than this is copied out of its buffer where it has to wait for a slow reader. */
const copyBelow = 32_768;

/** When this many bytes are pending they are written at once, before the end of the tick. */
const writeAtBytes = 262_144;

/** Whose frames are written. */
export interface PendingFramesOwner {
  readonly socket: Duplex;
  readonly websocket: WebSocket;
  readonly options: { readonly writeSliceMs: number };
  /** Nothing more can be written, and a part of a frame may have been. Must not throw: others are written behind it. */
  onWriteError(error: unknown): void;
}

/**
 * The frames of one peer that are written at the end of this tick, in one call: system calls are what sending costs. Frames
 * that lie one behind the other in the same buffer are one range, whoever else they go to.
 */
export class PendingFrames {
  readonly #owner: PendingFramesOwner;
  /** Ranges before the last one; most ticks have none. */
  #earlier: Ranges | undefined;
  #buffer: Buffer | undefined;
  #start = 0;
  #end = 0;
  /** The turn at whose end they are written; 0 when nothing is pending. */
  #turn = 0;
  /** How many bytes are pending. */
  byteLength = 0;
  /** Called each time that something written has been handed to the operating system, for as long as it is set. */
  onWritten: (() => void) | undefined;
  /** How many writes are under way that will call it. */
  underWay = 0;

  constructor(owner: PendingFramesOwner) {
    this.#owner = owner;
  }

  get sliceMs(): number {
    return this.#owner.options.writeSliceMs;
  }

  /** Adds a frame, which has to be written: by `queue` or `write`. */
  add({ buffer, start, end }: Frame): void {
    if (buffer === this.#buffer && start === this.#end) this.#end = end;
    else {
      this.#closeRange();
      this.#buffer = buffer;
      this.#start = start;
      this.#end = end;
    }
    this.byteLength += end - start;
    if (this.byteLength >= writeAtBytes) this.write();
  }

  /** Has what was added written at the end of this tick. @param isShared it goes to many, and may wait with what goes to them */
  queue(isShared: boolean): void {
    if (this.byteLength === 0 || (this.#turn !== 0 && (isShared || this.#turn === turn))) return;
    this.#turn = turn;
    writeSoon(this);
  }

  /** Writes what is pending; before anything else that goes to the socket, to keep the order. */
  write(): void {
    this.#turn = 0;
    if (this.byteLength === 0) return;
    const { websocket } = this.#owner;
    try {
      // Until the end of the tick the peer may have gone.
      if (websocket.readyState === websocket.OPEN) this.#write();
      this.clear();
    } catch (error) {
      this.clear();
      this.#owner.onWriteError(error);
    }
  }

  clear(): void {
    this.byteLength = 0;
    this.#buffer = undefined;
    this.#earlier = undefined;
  }

  #write(): void {
    const { socket } = this.#owner;
    const { onWritten } = this;
    if (onWritten) this.underWay++;
    const earlier = this.#earlier;
    if (!earlier) {
      socket.write(releasable(rangeOf(this.#buffer as Buffer, this.#start, this.#end), socket), onWritten);
      return;
    }
    this.#closeRange();
    const joined = join(earlier, this.byteLength);
    if (joined) {
      socket.write(releasable(joined, socket), onWritten);
      return;
    }
    socket.cork();
    const last = earlier.length - 3;
    for (let i = 0; i <= last; i += 3) {
      const range = rangeOf(earlier[i] as Buffer, earlier[i + 1] as number, earlier[i + 2] as number);
      socket.write(releasable(range, socket), i === last ? onWritten : undefined);
    }
    socket.uncork();
  }

  #closeRange(): void {
    if (!this.#buffer) return;
    this.#earlier ??= [];
    this.#earlier.push(this.#buffer, this.#start, this.#end);
  }
}

/** What waits for a slow reader must not keep the whole buffer alive that it lies in. */
function releasable(range: Buffer, socket: Duplex): Buffer {
  return socket.writableLength > 0 && range.length < copyBelow ? Buffer.from(range) : range;
}

let lastBuffer: Buffer | undefined;
let lastStart = 0;
let lastEnd = 0;
let lastRange: Buffer = Buffer.alloc(0);

/** A view of a range; the same object for all the peers that get the same range one after the other. */
function rangeOf(buffer: Buffer, start: number, end: number): Buffer {
  if (buffer !== lastBuffer || start !== lastStart || end !== lastEnd) {
    lastBuffer = buffer;
    lastStart = start;
    lastEnd = end;
    lastRange = buffer.subarray(start, end);
  }
  return lastRange;
}
