/**
 * The fewest bytes that a peer reads in the time it has to answer: 50 KB/s with the defaults. A slower peer may be taken for
 * one that has gone.
 */
const bytesPerTimeout = 524_288;

/** How many bytes may lie in the buffers of both operating systems, and how many these take at once when they have room again. */
const maxOnTheWay = 8_388_608;
const maxAtOnce = 2_097_152;

/** What a net.Socket and a TLSSocket count; of other streams only what waits in them is known. */
export interface CountingSocket {
  readonly bytesRead?: number;
  readonly _handle?: SocketHandle | null;
}

/** Whose signs of life are looked for. */
export interface LivenessOwner {
  readonly socket: CountingSocket;
  readonly waitingBytes: number;
}

/** Parts of Node that are not in its API. The API counts whole chunks only, however large they are. */
interface SocketHandle {
  /** All that has been given to libuv, and what of it the operating system has not taken. */
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
  /** Of a TLS socket: that of the socket below. */
  readonly _parent?: SocketHandle;
}

/**
 * What is known of one peer: when it was last seen, and how far it has come with what is sent to it.
 *
 * Only what waits in this process is seen. While something does, each byte that the operating system takes has been read at the
 * other end. What the operating system has taken is out of sight: megabytes may be on the way to a peer that reads slowly, and what
 * it answers is behind them. So it is given the time that it takes to read them at the slowest pace.
 */
export class Liveness {
  readonly #owner: LivenessOwner;
  #bytesRead = 0;
  #bytesTaken = 0;
  #bytesOnTheWay = 0;
  /** Something waits because the operating system has no room for it. */
  isBlocked = false;
  /** The connection is being closed, and the peer has to end it. */
  isClosing = false;
  /** In whole milliseconds: V8 keeps a fraction in an object of its own. */
  seenAt: number = Math.round(performance.now());
  /** When the ping was sent that is not answered yet. */
  pingedAt: number | undefined = undefined;
  /** When the time to answer began, in whole milliseconds. */
  waitsFrom = 0;

  constructor(owner: LivenessOwner) {
    this.#owner = owner;
  }

  /** Any byte counts, whatever it belongs to. */
  hasNewBytes(): boolean {
    const bytesRead = this.#owner.socket.bytesRead ?? 0;
    if (bytesRead === this.#bytesRead) return false;
    this.#bytesRead = bytesRead;
    return true;
  }

  /**
   * Looks at what has been sent. True: the peer has read something since the last look.
   *
   * @param timeouts how long ago that was, in times that a peer has to answer
   */
  look(timeouts: number): boolean {
    const { socket } = this.#owner;
    const handle = socket._handle?._parent ?? socket._handle;
    // Where a runtime does not tell: chunks count as they are taken.
    const waiting = handle?.writeQueueSize ?? this.#owner.waitingBytes;
    const taken =
      handle?.bytesWritten === undefined ? -this.#owner.waitingBytes : handle.bytesWritten - waiting;
    const more = Math.max(0, taken - this.#bytesTaken);
    const isReading = this.isBlocked && more > 0;
    const left = Math.max(0, this.#bytesOnTheWay - Math.ceil(timeouts * bytesPerTimeout));
    this.isBlocked = waiting > 0;
    this.#bytesTaken = taken;
    this.#bytesOnTheWay = Math.min(left + more, this.isBlocked ? maxAtOnce : maxOnTheWay);
    return isReading;
  }

  /** What was sent last may still be on its way. */
  get isOnTheWay(): boolean {
    return this.#bytesOnTheWay > 0;
  }

  seen(now: number): void {
    this.seenAt = Math.round(now);
    this.pingedAt = undefined;
  }

  pinged(now: number): void {
    this.pingedAt = now;
    this.waits(now);
  }

  closing(now: number): void {
    this.isClosing = true;
    this.waits(now);
  }

  /** The time to answer begins. */
  waits(now: number): void {
    this.waitsFrom = Math.round(now);
  }
}
