import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Frame } from "../frames/frame.ts";

/** A range shorter than this is copied out of its buffer where it has to wait for a slow reader. */
const copyBelow = 32_768;

/** When this many bytes are pending they are written at once, before the end of the tick. */
const writeAtBytes = 262_144;

/** Whose frames are written. */
export interface PendingFramesOwner {
  readonly socket: Duplex;
  readonly websocket: WebSocket;
  /** Nothing more can be written, and a part of a frame may have been. Must not throw: others are written behind it. */
  onWriteError(error: unknown): void;
}

/** Everybody who has frames to write at the end of this tick. */
let scheduled: PendingFrames[] = [];

function writeAll(): void {
  const due = scheduled;
  scheduled = [];
  for (const pending of due) pending.write();
}

/**
 * The frames of one peer that are written at the end of this tick, in one call: system calls are what sending costs. Frames
 * that lie one behind the other in the same buffer are one range, whoever else they go to.
 */
export class PendingFrames {
  readonly #owner: PendingFramesOwner;
  /** Ranges before the last one; most ticks have none. */
  #chunks: Buffer[] | undefined;
  #buffer: Buffer | undefined;
  #start = 0;
  #end = 0;
  #isScheduled = false;
  /** How many bytes are pending. */
  byteLength = 0;
  /** Called each time that something written has been handed to the operating system, for as long as it is set. */
  onWritten: (() => void) | undefined;
  /** How many writes are under way that will call it. */
  underWay = 0;

  constructor(owner: PendingFramesOwner) {
    this.#owner = owner;
  }

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
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      if (scheduled.push(this) === 1) process.nextTick(writeAll);
    }
  }

  /** Writes what is pending; before anything else that goes to the socket, to keep the order. */
  write(): void {
    this.#isScheduled = false;
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
    this.#chunks = undefined;
  }

  #write(): void {
    const { socket } = this.#owner;
    const { onWritten } = this;
    if (onWritten) this.underWay++;
    let last = rangeOf(this.#buffer as Buffer, this.#start, this.#end);
    // What waits for a slow reader must not keep the whole buffer alive.
    if (socket.writableLength > 0 && last.length < copyBelow) last = Buffer.from(last);
    if (!this.#chunks) {
      socket.write(last, onWritten);
      return;
    }
    socket.cork();
    for (const chunk of this.#chunks) socket.write(chunk);
    socket.write(last, onWritten);
    socket.uncork();
  }

  #closeRange(): void {
    if (!this.#buffer) return;
    const range = rangeOf(this.#buffer, this.#start, this.#end);
    this.#chunks ??= [];
    this.#chunks.push(
      this.#owner.socket.writableLength > 0 && range.length < copyBelow ? Buffer.from(range) : range,
    );
  }
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
