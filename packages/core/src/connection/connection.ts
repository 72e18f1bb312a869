import type { AsyncResource } from "node:async_hooks";
import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Acceptance } from "../handshake/handshake.ts";
import { Message } from "../message.ts";
import { channels } from "../observe/channels.ts";
import type { TerminationReason } from "../observe/metrics.ts";
import { Peer } from "../peer.ts";
import type { Instance } from "../spry-ws.ts";
import { assertCloseCode, fitReason } from "./close-frame.ts";
import { Expiry } from "./expiry.ts";
import { FrameReader } from "./frame-reader.ts";
import { Liveness } from "./heartbeat.ts";
import { type ExclusiveCall, HookQueue } from "./hook-queue.ts";
import { HookRunner } from "./hook-runner.ts";
import { Outbound, withResolvers } from "./outbound.ts";
import { RateLimiter } from "./rate-limit.ts";
import { internalsOf } from "./ws-internals.ts";

/** What a connection is made of when its handshake is complete. */
export interface OpenedHandshake {
  readonly instance: Instance;
  readonly server: Server;
  /** `bytesRead` is a net.Socket's; other streams have only their answers to pings to live by. */
  readonly socket: Duplex & { readonly bytesRead?: number };
  readonly websocket: WebSocket;
  /** Whom `maxPeersPerAddress` counts it for. */
  readonly client: string | undefined;
  readonly acceptance: Acceptance;
}

/** An accepted WebSocket: brings the events of `ws` to the hooks, in order, and what the peer does to `ws`. */
export class Connection {
  readonly instance: Instance;
  readonly server: Server;
  readonly websocket: WebSocket;
  readonly context: unknown;
  readonly peer: Peer;
  readonly liveness: Liveness;
  readonly outbound: Outbound;
  /** Topics the peer is subscribed to; kept until the `close` hook has settled, so that it can say goodbye there. */
  readonly topics: Set<string> = new Set();
  /** Round trip of the last answered ping, in milliseconds. */
  latencyMs: number | undefined;
  readonly #client: string | undefined;
  /** The request's async context. Hooks run in it because everything that calls them is entered through it. */
  readonly #scope: AsyncResource;
  readonly #hooks: HookRunner;
  readonly #queue: HookQueue;
  readonly #limiter: RateLimiter | undefined;
  readonly #closed = withResolvers();
  #expiry: Expiry | undefined;
  #listensForPong = false;
  /** The server has begun to close: messages are no longer delivered (as WHATWG's WebSocket does after `close()`). */
  #isClosing = false;

  constructor({ instance, server, socket, websocket, client, acceptance }: OpenedHandshake) {
    const { options, counters } = instance;
    this.instance = instance;
    this.server = server;
    this.websocket = websocket;
    this.context = acceptance.context;
    this.liveness = new Liveness(socket);
    this.peer = new Peer(this, acceptance.state);
    this.#client = client;
    this.#scope = acceptance.scope;
    this.#hooks = new HookRunner(this.peer, acceptance);
    this.#limiter = options.rateLimit ? new RateLimiter(options.rateLimit) : undefined;
    this.#queue = new HookQueue({
      ...options,
      handle: (message) => this.#hooks.message(message),
      fail: (error) => {
        const settled = this.#hooks.fail(error);
        this.#end("hookError", 1011);
        return settled;
      },
      pause: () => websocket.pause(),
      resume: () => websocket.resume(),
    });
    this.outbound = new Outbound(websocket, socket, options, counters, {
      drain: () => acceptance.hooks.drain && this.#enqueue(() => this.#hooks.call("drain")),
      limit: () => this.#end("sendBuffer", 1013, "too slow"),
    });
    if (acceptance.expiresAt !== undefined) this.expireAt(acceptance.expiresAt);
  }

  /** Starts to listen and calls `open`. Must run in the tick of the 101, before `ws` reads the first byte. */
  open(): void {
    const { websocket, instance, peer } = this;
    instance.add(this);
    websocket.on("message", (data: Buffer, isBinary) =>
      this.#run(this.#receive, new Message(data, !isBinary)),
    );
    websocket.on("error", (error) => {
      instance.counters.terminated.protocolError++;
      this.#enqueue(() => this.#hooks.violated(error));
    });
    websocket.on("close", (code, reason) => this.#ended(code, reason));
    if (this.#limiter) websocket.on("ping", (data) => this.#limit(data.length));
    this.#readDirectly();
    if (channels.open.hasSubscribers) channels.open.publish({ peer });
    this.#enqueue(() => this.#hooks.call("open"));
  }

  /** Reads plain frames past `ws`. Not with extensions: what they compress would be overtaken. */
  #readDirectly(): void {
    const internals = internalsOf(this.websocket);
    if (!internals) return;
    // `ws` answers a close frame and an error at once: with what was sent before them in front.
    const beforeEngine = (): void => this.outbound.flush();
    for (const event of ["conclude", "error"]) internals._receiver.prependListener(event, beforeEngine);
    if (this.websocket.extensions !== "") return;
    const events = { message: this.#receive, beforeEngine };
    FrameReader.install(internals, this.instance.options.maxPayload, events, (read, chunk) =>
      this.#run(read, chunk),
    );
  }

  /** Settles when the closing handshake has ended and the socket is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** @throws RangeError for a code that must not be sent */
  close(code?: number, reason = ""): Promise<void> {
    if (code !== undefined || reason !== "") {
      code ??= 1000;
      assertCloseCode(code);
    }
    this.#stopDelivery();
    if (this.websocket.readyState === this.websocket.OPEN) {
      this.outbound.flush();
      this.websocket.close(code, fitReason(reason));
    }
    return this.closed;
  }

  /** @param reason counted in the metrics; none where the user's code asks for it */
  terminate(reason?: TerminationReason): void {
    if (reason) this.instance.counters.terminated[reason]++;
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
    if (this.websocket.readyState !== this.websocket.OPEN) return;
    this.outbound.flush();
    this.websocket.ping(data);
  }

  /** The heartbeat's ping. Its answer tells the latency too. */
  pingForLife(now: number): void {
    this.liveness.pingedAt = now;
    if (!this.#listensForPong) {
      this.#listensForPong = true;
      this.websocket.on("pong", () => {
        if (this.liveness.pingedAt > 0) this.latencyMs = performance.now() - this.liveness.pingedAt;
        this.liveness.seen(performance.now());
      });
    }
    this.ping();
  }

  readonly #receive = (message: Message): void => {
    const size = message.byteLength;
    if (this.#isClosing || !this.#limit(size)) return;
    const { counters } = this.instance;
    counters.messagesReceived++;
    counters.bytesReceived += size;
    if (channels.message.hasSubscribers) channels.message.publish({ peer: this.peer, message });
    this.#queue.push(message);
  };

  #run<Argument>(call: (argument: Argument) => void, argument: Argument): void {
    this.#scope.runInAsyncScope(call, undefined, argument);
  }

  #enqueue(call: ExclusiveCall): void {
    this.#run(() => this.#queue.push(call), undefined);
  }

  #limit(size: number): boolean {
    if (!this.#limiter || this.#limiter.take(size)) return true;
    this.#end("rateLimit", 1008, "rate limit exceeded");
    return false;
  }

  /** Closes for a reason of the server's own, which is counted once. */
  #end(reason: TerminationReason, code: number, text?: string): void {
    if (!this.#isClosing) this.instance.counters.terminated[reason]++;
    void this.close(code, text);
  }

  #stopDelivery(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#expiry?.cancel();
    this.#queue.discardMessages();
    // A paused socket would never read the peer's close frame.
    this.websocket.resume();
  }

  #ended(code: number, reasonBytes: Buffer): void {
    const { instance, peer } = this;
    const reason = reasonBytes.toString("utf8");
    instance.remove(this, this.#client);
    this.#expiry?.cancel();
    this.outbound.end();
    this.#closed.resolve();
    if (channels.close.hasSubscribers) channels.close.publish({ peer, code, reason });
    this.#enqueue(() => this.#hooks.call("close", code, reason));
    this.#enqueue(() => this.topics.clear());
  }
}
