import type { WebSocket } from "ws";
import type { Acceptance } from "../handshake/handshake.ts";
import { Message, type Payload } from "../message.ts";
import { Peer } from "../peer.ts";
import type { Instance } from "../spry-ws.ts";
import { assertCloseCode, fitReason } from "./close-frame.ts";
import { HookQueue, isThenable } from "./hook-queue.ts";
import { Outbound, withResolvers } from "./outbound.ts";

/** An accepted WebSocket: brings the events of `ws` to the hooks, in order, and what the peer does to `ws`. */
export class Connection {
  readonly instance: Instance;
  readonly websocket: WebSocket;
  readonly context: unknown;
  readonly peer: Peer;
  /** Topics the peer is subscribed to; kept until the `close` hook has settled, so that it can say goodbye there. */
  readonly topics: Set<string> = new Set();
  readonly #acceptance: Acceptance;
  readonly #queue: HookQueue;
  readonly #outbound: Outbound;
  readonly #closed = withResolvers();
  /** The server has begun to close: messages are no longer delivered (as WHATWG's WebSocket does after `close()`). */
  #isClosing = false;

  constructor(instance: Instance, acceptance: Acceptance, websocket: WebSocket) {
    const { concurrency, maxQueuedMessages, highWaterMarkBytes } = instance.options;
    this.instance = instance;
    this.websocket = websocket;
    this.context = acceptance.context;
    this.#acceptance = acceptance;
    this.peer = new Peer(this, acceptance.state);
    this.#queue = new HookQueue({
      concurrency,
      maxQueuedMessages,
      handle: (message) => this.#call("message", message),
      fail: (error) => this.#hookFailed(error),
      pause: () => websocket.pause(),
      resume: () => websocket.resume(),
    });
    this.#outbound = new Outbound(websocket, highWaterMarkBytes, () => {
      if (acceptance.hooks.drain) this.#queue.push(() => this.#call("drain"));
    });
  }

  /** Starts to listen and calls `open`. Must run in the tick of the 101, before `ws` reads the first byte. */
  open(): void {
    const { websocket } = this;
    this.instance.peers.add(this.peer);
    websocket.on("message", (data: Buffer, isBinary) => {
      if (!this.#isClosing) this.#queue.push(new Message(data, !isBinary));
    });
    websocket.on("error", (error) => this.#queue.push(() => this.#protocolFailed(error)));
    websocket.on("close", (code, reason) => this.#ended(code, reason));
    this.#queue.push(() => this.#call("open"));
  }

  /** Settles when the closing handshake has ended and the socket is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get bufferedAmount(): number {
    return this.#outbound.bufferedAmount;
  }

  send(payload: Payload, compress?: boolean): boolean {
    return this.#outbound.send(payload, compress);
  }

  drained(): Promise<void> {
    return this.#outbound.drained();
  }

  /** @throws RangeError for a code that must not be sent */
  close(code?: number, reason = ""): Promise<void> {
    if (code !== undefined || reason !== "") {
      code ??= 1000;
      assertCloseCode(code);
    }
    this.#stopDelivery();
    if (this.websocket.readyState === this.websocket.OPEN) this.websocket.close(code, fitReason(reason));
    return this.closed;
  }

  terminate(): void {
    this.#stopDelivery();
    this.websocket.terminate();
  }

  #stopDelivery(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#queue.discardMessages();
    // A paused socket would never read the peer's close frame.
    this.websocket.resume();
  }

  /** Calls a hook in the request's async context. */
  #call(name: "open" | "message" | "drain" | "close" | "error", ...args: unknown[]): unknown {
    const { hooks, scope } = this.#acceptance;
    const hook = hooks[name] as ((peer: Peer, ...args: unknown[]) => unknown) | undefined;
    return hook && scope.runInAsyncScope(hook, hooks, this.peer, ...args);
  }

  /** A hook threw or rejected. */
  #hookFailed(error: unknown): unknown {
    const { hooks, report } = this.#acceptance;
    let settled: unknown;
    if (hooks.error) settled = this.#callError(error);
    else report(error, { stage: "hook" });
    void this.close(1011);
    return settled;
  }

  /** `ws` found a violation by the client, and has answered it with a close frame. */
  #protocolFailed(error: unknown): unknown {
    return this.#acceptance.hooks.error && this.#callError(error);
  }

  /** What the `error` hook itself throws has nowhere to go but the logger. */
  #callError(error: unknown): unknown {
    const report = (failure: unknown): void => this.#acceptance.report(failure, { stage: "hook" });
    try {
      const result = this.#call("error", error);
      return isThenable(result) ? Promise.resolve(result).catch(report) : undefined;
    } catch (failure) {
      return report(failure);
    }
  }

  #ended(code: number, reason: Buffer): void {
    this.instance.peers.delete(this.peer);
    this.instance.topics.leaveAll(this);
    this.#outbound.end();
    this.#closed.resolve();
    this.#queue.push(() => this.#call("close", code, reason.toString("utf8")));
    this.#queue.push(() => this.topics.clear());
  }
}
