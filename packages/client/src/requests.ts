import { type FailureCode, type Issue, ServiceError } from "@spry-ws/contract";
import type { ClientFrame, Failure } from "@spry-ws/contract/wire";
import { ItemQueue } from "./item-queue.ts";

/** Options of one request. */
export interface RequestOptions {
  /** How long it may take, the waiting for a connection included, in milliseconds. 0: for ever. @default 30_000 */
  timeoutMs?: number;
  /** Gives it up: it rejects with `aborted`, and the service is told. */
  signal?: AbortSignal;
}

/** What requests need of the client. */
export interface RequestsOwner {
  /** Of the connection that the service has said hello on. */
  readonly peerId: string | undefined;
  readonly maxWaiting: number;
  send(frame: ClientFrame): void;
}

/** Requests and streams that have not ended. */
interface Pending {
  readonly name: string;
  readonly input: unknown;
  /** Of the first connection it was sent on. */
  first?: string;
  readonly stream?: ItemQueue<unknown>;
  resolve(output: unknown): void;
  reject(error: ServiceError): void;
  /** Ends the waiting for its time and its signal. */
  stop?(): void;
}

/** The most values of a stream that wait to be read. */
const maxChunks = 10_000;
/** The most requests under way at once; further ones wait. A service refuses more than 64. */
const maxUnderWay = 32;
/** Confirmations wait so long, for more of them. */
const confirmMs = 500;
/** Answers are confirmed after this number of them: the service keeps them until then. */
const confirmAfter = 16;

/** What was asked: numbered, sent again after a lost connection, and confirmed. */
export class Requests {
  readonly #owner: RequestsOwner;
  /** By number, in order. */
  readonly #pending = new Map<number, Pending>();
  /** Those that are to be sent, in order. */
  readonly #waiting = new Map<number, Pending>();
  /** Requests that the service has, streams apart. */
  #underWay = 0;
  #lastNumber = 0;
  #confirmed = 0;
  #confirmTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(owner: RequestsOwner) {
    this.#owner = owner;
  }

  request(name: string, input: unknown, options: RequestOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => this.#add({ name, input, resolve, reject }, options));
  }

  stream(name: string, input: unknown, options: RequestOptions = {}): ItemQueue<unknown> {
    let giveUp = () => {};
    const stream = new ItemQueue<unknown>(() => giveUp());
    const resolve = () => stream.end();
    const reject = (error: ServiceError) => stream.end({ error });
    giveUp = this.#add({ name, input, stream, resolve, reject }, { timeoutMs: 0, ...options });
    return stream;
  }

  /** The service has said hello: what waits is sent, and what was sent is sent again. */
  opened(): void {
    this.#sendWaiting();
    this.#confirm();
  }

  /** The connection has ended: streams end with it, as nobody knows what they had yet to bring. All else is to be sent again. */
  lost(): void {
    this.#underWay = 0;
    this.#waiting.clear();
    for (const [n, pending] of this.#pending) {
      if (pending.stream && pending.first !== undefined) this.#fail(n, "lost", "connection lost");
      else this.#waiting.set(n, pending);
    }
  }

  /** Nothing will come any more. */
  end(error: ServiceError): void {
    for (const [n, pending] of this.#pending) this.#settle(n, () => pending.reject(error));
    clearTimeout(this.#confirmTimer);
  }

  answered(n: number, output: unknown, size: number): void {
    const pending = this.#pending.get(n);
    if (pending) this.#settle(n, () => pending.resolve(output));
    // A large answer is not kept for long.
    this.#scheduleConfirm(size > 65_536);
  }

  chunk(n: number, chunk: unknown): void {
    const stream = this.#pending.get(n)?.stream;
    if (!stream) return;
    stream.push(chunk);
    if (stream.size > maxChunks) {
      this.#owner.send(["x", n]);
      this.#fail(n, "full", `more than ${maxChunks} values of the stream wait to be read`);
    }
  }

  failed(n: number, { code, message, issues }: Failure): void {
    this.#fail(n, code, message, issues);
    this.#scheduleConfirm();
  }

  /** @returns gives the request up */
  #add(pending: Pending, { timeoutMs = 30_000, signal }: RequestOptions): () => void {
    const n = ++this.#lastNumber;
    const giveUp = (code: FailureCode, message?: string) => {
      if (this.#pending.get(n)?.first !== undefined) this.#owner.send(["x", n]);
      this.#fail(n, code, message);
    };
    const onAbort = () => giveUp("aborted");
    const isFull = this.#waiting.size >= this.#owner.maxWaiting;
    this.#pending.set(n, pending);
    this.#waiting.set(n, pending);
    if (isFull) giveUp("full", `${this.#owner.maxWaiting} requests wait to be sent`);
    else if (signal?.aborted) onAbort();
    else {
      const late = () => giveUp("timeout", `no answer to "${pending.name}" within ${timeoutMs} ms`);
      const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
      signal?.addEventListener("abort", onAbort);
      pending.stop = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#sendWaiting();
    }
    return onAbort;
  }

  #sendWaiting(): void {
    const { peerId } = this.#owner;
    if (peerId === undefined) return;
    for (const [n, pending] of this.#waiting) {
      if (this.#underWay >= maxUnderWay && !pending.stream) continue;
      this.#waiting.delete(n);
      if (!pending.stream) this.#underWay++;
      this.#send(n, pending, peerId);
    }
  }

  #send(n: number, pending: Pending, peerId: string): void {
    const { name, input = null, first } = pending;
    try {
      this.#owner.send(first === undefined ? ["q", n, name, input] : ["q", n, name, input, first]);
      pending.first ??= peerId;
    } catch (cause) {
      // A value that JSON cannot write.
      this.#settle(n, () => pending.reject(new ServiceError("invalid", String(cause), { cause })));
    }
  }

  #fail(n: number, code: string, message?: string, issues?: readonly Issue[]): void {
    const pending = this.#pending.get(n);
    if (pending) this.#settle(n, () => pending.reject(new ServiceError(code, message, { issues })));
  }

  #settle(n: number, tell: () => void): void {
    const pending = this.#pending.get(n);
    const isSent = !this.#waiting.delete(n);
    if (isSent && !pending?.stream) this.#underWay--;
    this.#pending.delete(n);
    pending?.stop?.();
    tell();
    this.#sendWaiting();
  }

  #scheduleConfirm(isUrgent = false): void {
    if (isUrgent || this.#confirmable - this.#confirmed >= confirmAfter) this.#confirm();
    else this.#confirmTimer ??= setTimeout(() => this.#confirm(), confirmMs);
  }

  /** All requests before the first that is under way have ended. */
  get #confirmable(): number {
    const [first] = this.#pending.keys();
    return (first ?? this.#lastNumber + 1) - 1;
  }

  #confirm(): void {
    clearTimeout(this.#confirmTimer);
    this.#confirmTimer = undefined;
    const n = this.#confirmable;
    if (n <= this.#confirmed || this.#owner.peerId === undefined) return;
    this.#confirmed = n;
    this.#owner.send(["a", n]);
  }
}
