import type { AsyncResource } from "node:async_hooks";
import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { assertCloseCode, fitReason } from "../close-frame.ts";
import { Event, type EventState, loggerOf, releaseNative } from "../event.ts";
import { channelsWaiting } from "../fan-out.ts";
import type { Hooks } from "../hooks.ts";
import type { Message, MessageData } from "../message.ts";
import { channels } from "../observe/channels.ts";
import type { TerminationReason } from "../observe/metrics.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { Peer, type PeerLink } from "../peer.ts";
import { type PromiseWithResolvers, withResolvers } from "../promises.ts";
import type { Subscriber } from "../topics.ts";
import { callHook, callMessage, type Hooked, hookFailed, protocolViolated } from "./call-hook.ts";
import { EscapeHatch, type EscapeHatchOwner } from "./escape-hatch.ts";
import { Expiry } from "./expiry.ts";
import { type EngineListener, FrameReader, type FrameReaderOwner } from "./frame-reader.ts";
import { type ExclusiveCall, HookQueue, type HookQueueOwner } from "./hook-queue.ts";
import { type Listening, listen } from "./listeners.ts";
import { type CountingSocket, Liveness } from "./liveness.ts";
import type { ConnectionOwner, Opening } from "./opening.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";
import { RateLimiter } from "./rate-limit.ts";

/**
 * An accepted WebSocket: brings the events of `ws` to the hooks, in order, and what the peer does to `ws`. There are many of
 * them and most are idle: a connection has no closures, and makes what few need when they need it.
 */
export class Connection
  implements
    PeerLink,
    Subscriber,
    Hooked,
    HookQueueOwner,
    OutboundOwner,
    EscapeHatchOwner,
    FrameReaderOwner,
    Listening
{
  readonly owner: ConnectionOwner<Connection>;
  readonly server: Server;
  readonly socket: Duplex & CountingSocket;
  readonly websocket: WebSocket;
  readonly context: unknown;
  readonly peer: Peer;
  readonly hooks: Hooks;
  readonly liveness: Liveness;
  /** The request's async context. Hooks run in it because everything that calls them is entered through it. */
  readonly scope: AsyncResource;
  /** As of `Recipient`. */
  givenUpTo = 0;
  /** Round trip of the last answered ping, in milliseconds. */
  latencyMs: number | undefined;
  /** Made with the first chunk. */
  reader: FrameReader | undefined;
  /** Where the user's code has asked for the WebSocket. */
  hatch: EscapeHatch | undefined;
  readonly #client: string | undefined;
  /** Made with the first message that is sent. */
  #outbound: Outbound | undefined;
  /** Made with the first message, and for as long as another hook runs. */
  #queue: HookQueue | undefined;
  readonly #limiter: RateLimiter | undefined;
  #topics: Set<string> | undefined;
  #expiry: Expiry | undefined;
  #closed: PromiseWithResolvers | undefined;
  #hasEnded = false;
  /** The server has begun to close: messages are no longer delivered (as WHATWG's WebSocket does after `close()`). */
  #isClosing = false;
  /** A call of `drain` waits. */
  #isDraining = false;
  /** Pings that have been sent and are not answered. */
  #pings = 0;
  /** The reason why the server ends the connection has been counted: the first one counts. */
  #isCounted = false;

  constructor({ owner, server, socket, websocket, client, acceptance }: Opening<Connection>) {
    const { rateLimit } = owner.options;
    this.owner = owner;
    this.server = server;
    this.socket = socket;
    this.websocket = websocket;
    this.context = acceptance.context;
    this.scope = acceptance.scope;
    this.peer = new Peer(this, acceptance.state);
    this.hooks = acceptance.hooks;
    this.liveness = new Liveness(this);
    this.#client = client;
    this.#limiter = rateLimit ? new RateLimiter(rateLimit) : undefined;
    if (acceptance.expiresAt !== undefined) this.expireAt(acceptance.expiresAt);
  }

  get #state(): EventState {
    return Event.state(this.peer, "peer");
  }

  get options(): ResolvedOptions {
    return this.owner.options;
  }

  get outbound(): Outbound {
    this.#outbound ??= new Outbound(this);
    return this.#outbound;
  }

  /** Bytes that have not been handed to the operating system yet. */
  get bufferedAmount(): number {
    if (channelsWaiting > 0) this.catchUp();
    return this.waitingBytes;
  }

  /** The same, without what was published in this tick and is shared later. */
  get waitingBytes(): number {
    return this.#outbound?.waitingBytes ?? this.websocket.bufferedAmount;
  }

  /** Topics the peer is subscribed to; kept until the `close` hook has settled, so that it can say goodbye there. */
  get topics(): Set<string> {
    this.#topics ??= new Set();
    return this.#topics;
  }

  /** The WebSocket for the user's code. */
  get exposedWebSocket(): WebSocket {
    this.hatch ??= EscapeHatch.install(this);
    return this.websocket;
  }

  /** Whether neither side has begun to close. */
  get isOpen(): boolean {
    return this.websocket.readyState === this.websocket.OPEN;
  }

  /** Whether the socket is not read. */
  get isPaused(): boolean {
    return (this.hatch ?? this.websocket).isPaused;
  }

  /** Starts to listen and calls `open`. Must run in the tick of the 101, before `ws` reads the first byte. */
  open(): void {
    this.owner.opened(this);
    listen(this);
    if (channels.open.hasSubscribers) channels.open.publish({ peer: this.peer });
    if (this.hooks.open) this.#enqueue(() => callHook(this, "open"));
    // Behind `open`, which may still ask for it.
    if (this.options.releaseRequest) this.#enqueue(() => releaseNative(this.#state));
  }

  /** Settles when the closing handshake has ended and the socket is closed. */
  get closed(): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    this.#closed ??= withResolvers();
    return this.#closed.promise;
  }

  /** @throws RangeError for a code that must not be sent, and TypeError for a reason that is no string, before anything is done */
  close(code?: number, reason = ""): Promise<void> {
    if (code !== undefined || reason !== "") {
      code ??= 1000;
      assertCloseCode(code);
    }
    const text = fitReason(reason);
    this.#stopDelivery();
    if (this.isOpen) {
      this.flush();
      this.websocket.close(code, text);
      if (this.options.closeTimeoutMs > 0) this.liveness.closing(performance.now());
    }
    return this.closed;
  }

  /** Reads no further, and calls back when the hooks of all that was received have settled. */
  finish(callback: () => void): void {
    // Listeners have got their messages already. An `open` hook that reads a stream settles only when the stream has ended.
    if (this.hatch?.isListening && !this.hooks.message) {
      callback();
      return;
    }
    let isDone = false;
    this.#enqueue(() => {
      isDone = true;
      callback();
    });
    if (!isDone && !this.#isClosing) this.#queue?.stopReading();
  }

  /** @param reason counted in the metrics; none where the user's code asks for it */
  terminate(reason?: TerminationReason): void {
    if (reason) this.#count(reason);
    this.#stopDelivery();
    this.websocket.terminate();
  }

  /** @param at milliseconds since the epoch */
  expireAt(at: number): void {
    if (this.#isClosing) return;
    this.#expiry ??= new Expiry(() => this.#end("expired", 3000, "credentials expired"));
    this.#expiry.set(at);
  }

  ping(data?: string | Uint8Array): void {
    if (!this.isOpen) return;
    this.flush();
    this.websocket.ping(typeof data === "object" ? Buffer.from(data) : data);
    // An exposed WebSocket tells of all its pings.
    if (!this.hatch) this.pinged();
  }

  /** Writes what is pending, before `ws` writes something. */
  flush(): void {
    if (channelsWaiting > 0) this.catchUp();
    this.#outbound?.flush();
  }

  /** Bytes have come. Called in the peer's async context. */
  read(chunk: Buffer, listener: EngineListener): void {
    this.reader ??= new FrameReader(this, listener);
    this.reader.read(chunk);
  }

  /**
   * A message has come. Called in the peer's async context.
   *
   * @param fragments what `ws` has put it together from, where the user's code wants to know
   */
  receive(message: Message, size: number = message.byteLength, fragments?: readonly Buffer[]): void {
    if (this.#isClosing || !this.limit(size)) return;
    const { counters } = this.owner;
    counters.messagesReceived++;
    counters.bytesReceived += size;
    if (channels.message.hasSubscribers) channels.message.publish({ peer: this.peer, message });
    // A listener may have closed the peer. What a listener has got, and no hook wants, must not wait in the queue.
    if (this.hatch?.hear(message, fragments) && (this.#isClosing || !this.hooks.message)) return;
    this.#queue ??= new HookQueue(this);
    this.#queue.push(message);
  }

  /** Counts a message, or what counts as one, against `rateLimit`. False: it was too much, and the peer is being closed. */
  limit(size: number): boolean {
    if (!this.#limiter || this.#limiter.take(size)) return true;
    this.#end("rateLimit", 1008, "rate limit exceeded");
    return false;
  }

  /** A pong has come: the answer to a ping, or one that nobody has asked for (RFC 6455 section 5.5.3). */
  ponged(size: number): void {
    if (this.#pings > 0) this.#pings--;
    else if (!this.limit(size)) return;
    const now = performance.now();
    const { pingedAt } = this.liveness;
    if (pingedAt !== undefined) this.latencyMs = now - pingedAt;
    this.liveness.seen(now);
  }

  /** The client violated the protocol; `ws` has answered it. */
  violated(error: Error): void {
    this.#count("protocolError");
    this.#enqueue(() => protocolViolated(this, error));
  }

  /** The socket is closed. */
  ended(code: number, reason: string): void {
    this.#hasEnded = true;
    if (this.#topics) this.owner.topics.leaveAll(this, this.#topics);
    this.owner.ended(this, this.#client);
    this.#expiry?.cancel();
    this.#outbound?.end();
    this.hatch?.end();
    this.#closed?.resolve();
    if (channels.close.hasSubscribers) channels.close.publish({ peer: this.peer, code, reason });
    this.#enqueue(() => callHook(this, "close", code, reason));
    this.#enqueue(() => this.#settle());
  }

  // What the peer asks for.

  subscribe(topic: string): void {
    this.owner.topics.subscribe(this, topic);
  }

  unsubscribe(topic: string): void {
    this.owner.topics.unsubscribe(this, topic);
  }

  publish(topic: string, data: MessageData): void {
    this.owner.publishFrom(this, topic, data, "peer.publish(topic, data)");
  }

  /** To `onError`, or to the framework's logger. */
  report(error: unknown): void {
    this.owner.report(error, { stage: "hook" }, loggerOf(this.#state));
  }

  // What the queue asks for.

  handle(message: Message): unknown {
    return callMessage(this, message);
  }

  fail(error: unknown): unknown {
    // Before the `error` hook, which may close the peer itself. A peer that has gone already is not ended by the server.
    if (!this.#isClosing && !this.#hasEnded) this.#count("hookError");
    const settled = hookFailed(this, error);
    void this.close(1011);
    return settled;
  }

  pause(): void {
    (this.hatch ?? this.websocket).pause();
  }

  resume(): void {
    (this.hatch ?? this.websocket).resume();
  }

  // What the escape hatch asks for.

  get waitingMessages(): readonly Message[] {
    return this.#queue?.waitingMessages ?? [];
  }

  heard(message: Message): void {
    if (!this.hooks.message) this.#queue?.remove(message);
  }

  pinged(): void {
    this.#pings++;
  }

  listenerFailed(error: unknown): void {
    this.#enqueue(() => this.fail(error));
  }

  // What the outbound side tells.

  /** One call is enough for all that has drained while another hook ran. */
  onDrain(): void {
    if (!this.hooks.drain || this.#isDraining || this.#isClosing) return;
    this.#isDraining = true;
    this.#enqueue(() => {
      this.#isDraining = false;
      return this.#isClosing ? undefined : callHook(this, "drain");
    });
  }

  catchUp(): void {
    this.owner.topics.catchUp(this);
  }

  onWriteError(error: unknown): void {
    this.terminate("writeError");
    this.#enqueue(() => hookFailed(this, error));
  }

  onLimit(): void {
    this.#end("sendBuffer", 1013, "too slow");
  }

  #enqueue(call: ExclusiveCall): void {
    this.#queue ??= new HookQueue(this);
    const queue = this.#queue;
    this.scope.runInAsyncScope(queue.push, queue, call);
    if (queue.isIdle) this.#queue = undefined;
  }

  /** Closes for a reason of the server's own. */
  #end(reason: TerminationReason, code: number, text: string): void {
    if (!this.#isClosing) this.#count(reason);
    void this.close(code, text);
  }

  #count(reason: TerminationReason): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    this.owner.counters.terminated[reason]++;
  }

  /** The last hook has settled. */
  #settle(): void {
    this.#topics?.clear();
    this.owner.settled(this);
  }

  #stopDelivery(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#expiry?.cancel();
    this.#queue?.discardMessages();
    // A paused socket would never read the peer's close frame.
    if (this.hatch) this.hatch.close();
    else this.websocket.resume();
  }
}
