import type { Server } from "node:http";
import { closePeers } from "./connection/close-all.ts";
import { assertCloseCode } from "./connection/close-frame.ts";
import { attachServer } from "./handshake/attach.ts";
import { ProtocolEngine } from "./handshake/engine.ts";
import { type MessageData, toPayload } from "./message.ts";
import { type ErrorContext, type ResolvedOptions, resolveOptions, type SpryWsOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { Topics } from "./pubsub/topics.ts";

/** Options of `spry.close`. */
export interface CloseOptions {
  /** The code of the close frames. @default 1001 // going away */
  code?: number;
  /** The reason in the close frames, up to 123 bytes. @default "" */
  reason?: string;
  /**
   * How long peers have to answer, in milliseconds; those that have not are terminated then. 0 terminates at once.
   * @default 10_000 // 10 seconds
   */
  deadlineMs?: number;
}

/** What one call of `spryWs(options)` or `createSpryWs(options)` makes: the peers of an app, and its topics. */
export interface SpryWs {
  /** The open peers. */
  readonly peers: ReadonlySet<Peer>;
  /**
   * Sends a message to every subscriber of a topic, from anywhere: an HTTP handler, a timer, a queue.
   *
   * @throws TypeError `SPRY_WS_DATA` for data that is neither text nor bytes
   */
  publish(topic: string, data: MessageData): void;
  /**
   * Listens for handshakes on a server. Needed only where the adapter cannot see the server by itself; doing it twice
   * changes nothing.
   *
   * @throws TypeError `SPRY_WS_SERVER` for what is not a server
   */
  attach(server: Server): void;
  /**
   * Ends all peers with a close frame, after what was sent to them, and refuses new handshakes with 503. A second call waits for the
   * first. Never rejects.
   *
   * @returns a promise that settles when the last peer is gone, after `deadlineMs` at the latest
   * @throws RangeError `SPRY_WS_CLOSE` for a code that must not be sent
   */
  close(options?: CloseOptions): Promise<void>;
}

/** @internal */
export class Instance implements SpryWs {
  readonly options: ResolvedOptions;
  readonly engine: ProtocolEngine;
  readonly topics: Topics = new Topics();
  readonly peers: Set<Peer> = new Set();
  /** The servers whose upgrades this instance listens for. */
  readonly servers: WeakSet<Server> = new WeakSet();
  readonly #log: (error: unknown) => void;
  #closing: Promise<void> | undefined;

  /** @param log where errors go that have neither a hook, nor `onError`, nor a request whose framework has a logger */
  constructor(options: SpryWsOptions | undefined, caller: string, log: (error: unknown) => void) {
    this.options = resolveOptions(options, caller);
    this.engine = new ProtocolEngine(this.options);
    this.#log = log;
  }

  publish(topic: string, data: MessageData): void {
    this.topics.publish(topic, toPayload(data, "publish(topic, data)"));
  }

  attach(server: Server): void {
    attachServer(this, server);
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  close(options: CloseOptions = {}): Promise<void> {
    if (options.code !== undefined) assertCloseCode(options.code);
    this.#closing ??= closePeers(this.peers, options);
    return this.#closing;
  }

  /** The one place where errors end that no hook takes. Never throws. */
  report(error: unknown, context: ErrorContext, log: (error: unknown) => void = this.#log): void {
    try {
      if (this.options.onError) this.options.onError(error, context);
      else log(error);
    } catch (failure) {
      console.error(failure);
    }
  }
}
