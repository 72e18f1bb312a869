import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { type ReadyOptions, Relay, type RelayOwner } from "./backplane/relay.ts";
import { StandbyRelay } from "./backplane/standby-relay.ts";
import type { CloseOptions } from "./connection/close-all.ts";
import { CloseTimeouts } from "./connection/close-timeouts.ts";
import type { Connection } from "./connection/connection.ts";
import { Heartbeat } from "./connection/heartbeat.ts";
import { PeerSet } from "./connection/peer-set.ts";
import { Settling } from "./connection/settling.ts";
import { AddressCounter } from "./handshake/address.ts";
import { assertServer } from "./handshake/attached-server.ts";
import { AttachedServers } from "./handshake/attached-servers.ts";
import { Deadlines } from "./handshake/deadlines.ts";
import { ProtocolEngine } from "./handshake/engine.ts";
import type { Handshake } from "./handshake/handshake.ts";
import { OriginLog } from "./handshake/origin.ts";
import { type MessageData, toPayload } from "./message.ts";
import { Counters, type Metrics } from "./observe/metrics.ts";
import { renderOpenMetrics } from "./observe/openmetrics.ts";
import { reportError } from "./observe/report.ts";
import { durationOf } from "./options/call-options.ts";
import { resolveCloseOptions } from "./options/close-options.ts";
import type { ErrorContext, SpryWsOptions } from "./options/options.ts";
import { type ResolvedOptions, resolveOptions } from "./options/resolve-options.ts";
import type { Peer } from "./peer.ts";
import { Shutdown } from "./shutdown.ts";
import { assertTopic, Topics } from "./topics.ts";

/**
 * What one call of `spryWs(options)` or `createSpryWs(options)` makes: the peers of an app, and its topics. Of several on one
 * server, a handshake belongs to that whose middleware or plugin it has passed last.
 */
export interface SpryWs {
  /** The open peers. */
  readonly peers: ReadonlySet<Peer>;
  /**
   * Sends a message to every subscriber of a topic, from anywhere: an HTTP handler, a timer, a queue. With a `backplane` also
   * to those of other processes.
   *
   * @throws TypeError `SPRY_WS_DATA` for data that is neither text nor bytes
   */
  publish(topic: string, data: MessageData): void;
  /**
   * Listens for handshakes on a server, until `close()`. Needed only where the adapter cannot see the server by itself; doing it
   * twice changes nothing.
   *
   * @throws TypeError `SPRY_WS_SERVER` for what is not a server
   */
  attach(server: Server): void;
  /**
   * Resolves when the backplane can be reached and the topics that this process has subscribers for are subscribed there; at once
   * without one. It does not wait for topics that come after the call. Wait for it before `listen` to find a wrong password at start.
   *
   * @throws Error `SPRY_WS_BACKPLANE` (rejects) after `timeoutMs`, or as soon as it is clear that it cannot be reached
   */
  ready(options?: ReadyOptions): Promise<void>;
  /**
   * Ends all peers with a close frame, and refuses new handshakes with 503, those under way among them. What peers have sent
   * before is handled first, and what hooks have sent to them comes before the close frame; `close` hooks settle, and the
   * backplane gets what all of them have published. Then the servers are as they were before `attach`. What is not said here is as
   * the option `shutdown` says. A second call waits for the first. Never rejects. A hook must not wait for it, as it waits for the
   * hooks.
   *
   * @returns a promise that settles when all that is done, after `deadlineMs` at the latest
   * @throws RangeError `SPRY_WS_CLOSE` for a code that must not be sent, TypeError `SPRY_WS_OPTION` for an unknown option
   */
  close(options?: CloseOptions): Promise<void>;
  /** `await using spry = createSpryWs()`: the same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** A snapshot of what is counted. Cheap: the counting itself is always on. */
  metrics(): Metrics;
  /**
   * The same as OpenMetrics text, which Prometheus scrapes.
   *
   * @example
   * app.get("/metrics", (_request, response) => {
   *   response.type(metricsContentType).send(spry.metricsText());
   * });
   */
  metricsText(): string;
}

/** @internal */
export class Instance implements SpryWs {
  readonly options: ResolvedOptions;
  readonly engine: ProtocolEngine;
  readonly topics: Topics;
  readonly counters: Counters = new Counters();
  readonly connections: Set<Connection> = new Set();
  readonly peers: ReadonlySet<Peer> = new PeerSet(this.connections);
  /** Handshakes under way. */
  readonly handshakes: Set<Handshake> = new Set();
  readonly deadlines: Deadlines;
  /** What an adapter does with the request and response of a handshake before its framework sees them. */
  prepare: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** The servers this instance is attached to. */
  readonly servers: AttachedServers = new AttachedServers(this);
  /** How many handshakes under way count for `maxPeers`. */
  admitted = 0;
  /** What `maxPeersPerAddress` counts. */
  readonly clients: AddressCounter = new AddressCounter();
  readonly origins: OriginLog = new OriginLog();
  /** Connections that have ended, but whose hooks have not all settled. */
  readonly settling: Settling = new Settling();
  readonly relay: StandbyRelay | undefined;
  readonly #shutdown = new Shutdown(this);
  readonly #heartbeat: Heartbeat | undefined;
  readonly #closeTimeouts: CloseTimeouts | undefined;
  readonly #log: (error: unknown) => unknown;

  /** @param log where errors go that have neither a hook, nor `onError`, nor a request whose framework has a logger */
  constructor(options: SpryWsOptions | undefined, caller: string, log: (error: unknown) => unknown) {
    this.options = resolveOptions(options, caller);
    const { backplane, backplaneBuffer, perMessageDeflate } = this.options;
    this.topics = new Topics(
      perMessageDeflate,
      backplane && ((topic, isWanted) => this.relay?.want(topic, isWanted)),
    );
    this.engine = new ProtocolEngine(this.options);
    this.deadlines = new Deadlines(this.handshakes, this.options.handshakeTimeoutMs);
    this.#heartbeat = this.options.heartbeat
      ? new Heartbeat(this.connections, this.options.heartbeat)
      : undefined;
    this.#closeTimeouts = this.options.closeTimeoutMs
      ? new CloseTimeouts(this.connections, this.options.closeTimeoutMs)
      : undefined;
    this.#log = log;
    const owner: RelayOwner = {
      counters: this.counters,
      deliver: (topic, message) => this.topics.publish(topic, message),
      report: (error) => this.report(error, { stage: "backplane" }),
    };
    this.relay = backplane && new StandbyRelay(() => new Relay(backplane, backplaneBuffer, owner));
  }

  add(connection: Connection): void {
    this.connections.add(connection);
    this.#heartbeat?.start();
    this.#closeTimeouts?.start();
  }

  remove(connection: Connection, client: string | undefined, topics: ReadonlySet<string> | undefined): void {
    this.connections.delete(connection);
    this.settling.add(connection);
    if (topics) this.topics.leaveAll(connection, topics);
    if (client !== undefined) this.clients.release(client);
  }

  publish(topic: string, data: MessageData): void {
    this.publishFrom(undefined, topic, data, "publish(topic, data)");
  }

  /** Sends to all subscribers, here and elsewhere, but `sender`. */
  publishFrom(sender: Connection | undefined, topic: string, data: MessageData, caller: string): void {
    assertTopic(topic, caller);
    const payload = toPayload(data, caller);
    this.topics.publish(topic, payload, sender);
    this.relay?.publish(topic, payload);
  }

  async ready(options?: ReadyOptions): Promise<void> {
    const timeoutMs = durationOf(options, "timeoutMs", 10_000, "ready(options)");
    await this.relay?.ready({ timeoutMs });
  }

  attach(server: Server): void {
    if (!this.#shutdown.isClosed) this.servers.add(server);
    else assertServer(server);
  }

  metrics(): Metrics {
    let bufferedBytes = 0;
    for (const { outbound } of this.connections) bufferedBytes += outbound.bufferedAmount;
    return {
      peers: this.connections.size,
      pendingHandshakes: this.handshakes.size,
      topics: this.topics.size,
      bufferedBytes,
      backplaneConnected: this.relay?.isUp ?? false,
      backplaneBufferedBytes: this.relay?.bufferedBytes ?? 0,
      ...structuredClone({ ...this.counters }),
    };
  }

  metricsText(): string {
    return renderOpenMetrics(this.metrics());
  }

  /** Whether handshakes are refused, on all servers or on this one. */
  isClosing(server: Server): boolean {
    return this.#shutdown.isClosing(server);
  }

  close(options?: CloseOptions): Promise<void> {
    return this.#shutdown.close(
      resolveCloseOptions(options, "spry.close(options)", "", this.options.shutdown),
    );
  }

  /** A server has been told to close; settles when its peers are gone. Undefined where there are none. */
  closeServer(server: Server): Promise<void> | undefined {
    return this.#shutdown.closeServer(server);
  }

  /** A server that was closed listens again. */
  reopenServer(server: Server): void {
    this.#shutdown.reopenServer(server);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The one place where errors end that no hook takes. Never throws. */
  report(error: unknown, context: ErrorContext, log: (error: unknown) => unknown = this.#log): void {
    reportError(this.options.onError, error, context, log);
  }
}

/** Makes middleware the instance too: `app.use(spry)`, then `spry.publish(…)`. */
export function exposeInstance<Middleware extends object>(
  middleware: Middleware,
  instance: Instance,
): Middleware & SpryWs {
  return Object.assign(middleware, {
    peers: instance.peers,
    publish: instance.publish.bind(instance),
    attach: instance.attach.bind(instance),
    ready: instance.ready.bind(instance),
    close: instance.close.bind(instance),
    [Symbol.asyncDispose]: instance.close.bind(instance, {}),
    metrics: instance.metrics.bind(instance),
    metricsText: instance.metricsText.bind(instance),
  });
}
