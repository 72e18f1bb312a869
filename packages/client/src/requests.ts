import { type FailureCode, type Issue, ServiceError } from "@spry-ws/contract";
import type { ClientFrame, Failure } from "@spry-ws/contract/wire";
import { ItemQueue } from "./item-queue.ts";
import { after } from "./timers.ts";

/** Options of one request. */
export interface RequestOptions {
  /** How long the request may take, with the wait for a connection, in milliseconds. 0: for ever. @default 30_000 */
  timeoutMs?: number;
  /** Cancels the request: it rejects with `aborted`, and the service is told. */
  signal?: AbortSignal;
}

/** What requests need of the client. */
export interface RequestsOwner {
  /** The id of the connection, from the hello of the service on. */
  readonly peerId: string | undefined;
  readonly maxWaiting: number;
  send(frame: ClientFrame): void;
}

/** A request or stream that has not ended. */
interface Pending {
  readonly name: string;
  readonly input: unknown;
  /** The peer id of the first connection it was sent on. */
  first?: string;
  readonly stream?: ItemQueue<unknown>;
  resolve(output: unknown): void;
  reject(error: ServiceError): void;
  /** Clears its timeout, and listens to its signal no more. */
  stop?(): void;
}

/** How many values of a stream may wait to be read. */
const maxChunks = 10_000;
/** How many requests may be under way at once; further ones wait. A service refuses more than 64 by default. */
const maxUnderWay = 32;
/** How long a confirmation waits for further answers that it can confirm too, in milliseconds. */
const confirmMs = 500;
/** So many answers are confirmed at once: the service keeps them until then. */
const confirmAfter = 16;

/** Numbers the requests, sends them again after a lost connection, and confirms their answers. */
export class Requests {
  readonly #owner: RequestsOwner;
  /** The requests and streams that have not ended, by number, in order. */
  readonly #pending = new Map<number, Pending>();
  /** Those of them that are to be sent, in order. */
  readonly #waiting = new Map<number, Pending>();
  /** Requests the service may have and nobody waits for any more. It is told so when there is a connection again. */
  #unwanted: number[] = [];
  /** How many requests the service has. Streams are not counted. */
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

  /** The service has said hello: sends what waits, which after a lost connection is also what was sent before. */
  opened(): void {
    for (const n of this.#unwanted) this.#owner.send(["x", n]);
    this.#unwanted = [];
    this.#sendWaiting();
    this.#confirm();
  }

  /** The connection has ended. Streams that were sent fail, as values of theirs may be lost. Everything else is to be sent again. */
  lost(): void {
    this.#underWay = 0;
    this.#waiting.clear();
    for (const [n, pending] of this.#pending) {
      if (pending.stream && pending.first !== undefined) this.#fail(n, "lost", "connection lost");
      else this.#waiting.set(n, pending);
    }
  }

  /** The client is closed: rejects everything. */
  end(error: ServiceError): void {
    for (const [n, pending] of this.#pending) this.#settle(n, () => pending.reject(error));
    clearTimeout(this.#confirmTimer);
  }

  answered(n: number, output: unknown, size: number): void {
    const pending = this.#pending.get(n);
    if (pending) this.#settle(n, () => pending.resolve(output));
    // A large answer is confirmed at once, so that the service need not keep it.
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

  /** @returns cancels the request */
  #add(pending: Pending, { timeoutMs = 30_000, signal }: RequestOptions): () => void {
    const n = ++this.#lastNumber;
    const giveUp = (code: FailureCode, message?: string) => {
      if (this.#pending.get(n)?.first !== undefined) {
        if (this.#owner.peerId === undefined) this.#unwanted.push(n);
        else this.#owner.send(["x", n]);
      }
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
      const timer = timeoutMs > 0 ? after(timeoutMs, late) : undefined;
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
      // The input is a value that JSON cannot write.
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

  /** The number up to which all requests have ended: that before the first that has not. */
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
