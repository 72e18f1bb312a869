import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Server as SecureServer } from "node:https";
import { type ReadyOptions, Relay, type RelayOwner } from "./backplane/relay.ts";
import { StandbyRelay } from "./backplane/standby-relay.ts";
import type { Connection } from "./connection/connection.ts";
import { Connections } from "./connection/connections.ts";
import { assertServer } from "./handshake/attached-server.ts";
import { ProtocolEngine } from "./handshake/engine.ts";
import type { HandshakeOwner } from "./handshake/handshake.ts";
import { Handshakes } from "./handshake/handshakes.ts";
import { type MessageData, toPayload } from "./message.ts";
import { Histograms } from "./observe/histograms.ts";
import { Counters, type Metrics } from "./observe/metrics.ts";
import { renderOpenMetrics } from "./observe/openmetrics.ts";
import { reportError } from "./observe/report.ts";
import { Operations } from "./operations.ts";
import { type CountOptions, durationOf } from "./options/call-options.ts";
import { type CloseOptions, resolveCloseOptions } from "./options/close-options.ts";
import type { ErrorContext, SpryWsOptions } from "./options/options.ts";
import { type ResolvedOptions, resolveOptions } from "./options/resolve-options.ts";
import type { Peer } from "./peer.ts";
import { Shutdown } from "./shutdown.ts";
import { Speakers } from "./speakers.ts";
import type { SpryWs } from "./spry-ws.ts";
import type { TopicListener } from "./topic-listeners.ts";
import { assertTopic, type Subscriber, Topics } from "./topics.ts";

/**
 * The composition root: what one call of `spryWs(options)` makes, of the parts of the layers below.
 *
 * @internal
 */
export class Instance implements SpryWs, HandshakeOwner {
  readonly options: ResolvedOptions;
  readonly engine: ProtocolEngine;
  readonly topics: Topics;
  readonly counters: Counters = new Counters();
  /** Undefined where the option is off. */
  readonly histograms: Histograms | undefined;
  readonly connections: Connections;
  readonly handshakes: Handshakes;
  /** What an adapter does with the request and response of a handshake before its framework sees them. */
  prepare: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly relay: StandbyRelay | undefined;
  readonly operations: Operations;
  /** Services with clients on its routes. */
  readonly speakers: Speakers = new Speakers((error, stage = "history") => this.report(error, { stage }));
  readonly #shutdown = new Shutdown(this);
  readonly #log: (error: unknown) => unknown;

  /** @param log where errors go that have neither a hook, nor `onError`, nor a request whose framework has a logger */
  constructor(options: SpryWsOptions | undefined, caller: string, log: (error: unknown) => unknown) {
    this.options = resolveOptions(options, caller);
    const { backplane, backplaneBuffer, histograms } = this.options;
    this.histograms = histograms ? new Histograms(histograms) : undefined;
    this.topics = new Topics(this.options, {
      onInterest: backplane && ((topic, isWanted) => this.relay?.want(topic, isWanted)),
      onListenerError: (error) => this.report(error, { stage: "listener" }),
      onDelivered: this.histograms && ((ms) => this.histograms?.delivered(ms)),
    });
    this.engine = new ProtocolEngine(this.options);
    const { heartbeat, closeTimeoutMs } = this.options;
    this.connections = new Connections(heartbeat, closeTimeoutMs, this.speakers);
    this.handshakes = new Handshakes(this);
    this.#log = log;
    const owner: RelayOwner = {
      counters: this.counters,
      deliver: (topic, message) => this.topics.publish(topic, message),
      control: (topic, data) => this.operations.received(topic, data),
      report: (error) => this.report(error, { stage: "backplane" }),
    };
    this.relay =
      backplane &&
      new StandbyRelay(() => new Relay(backplane, backplaneBuffer, owner), this.topics.listeners);
    this.operations = new Operations(this.topics, this.relay);
  }

  get peers(): ReadonlySet<Peer> {
    return this.connections.peers;
  }

  opened(connection: Connection): void {
    this.connections.opened(connection);
  }

  ended(connection: Connection, client: string | undefined): void {
    this.connections.ended(connection);
    if (client !== undefined) this.handshakes.clients.release(client);
  }

  settled(connection: Connection): void {
    this.connections.settled(connection);
  }

  publish(topic: string, data: MessageData): void {
    this.publishFrom(undefined, topic, data, "publish(topic, data)");
  }

  /** Sends to all subscribers except `sender`, in this process and in others. */
  publishFrom(sender: Subscriber | undefined, topic: string, data: MessageData, caller: string): void {
    assertTopic(topic, caller);
    const payload = toPayload(data, caller);
    // First, as a listener may publish more, which comes after this in other processes too.
    this.relay?.publish(topic, payload);
    this.topics.publish(topic, payload, sender);
  }

  subscribe(topic: string, listener: TopicListener): () => void {
    return this.topics.listen(topic, listener);
  }

  disconnect(topic: string, code?: number, reason?: string): void {
    this.operations.disconnect(topic, code, reason);
  }

  count(topic: string, options?: CountOptions): Promise<number> {
    return this.operations.count(topic, options);
  }

  async ready(options?: ReadyOptions): Promise<void> {
    const timeoutMs = durationOf(options, "timeoutMs", 10_000, "ready(options)");
    await Promise.all([this.relay?.ready({ timeoutMs }), this.speakers.ready(timeoutMs)]);
  }

  attach(server: Server | SecureServer | Http2SecureServer): void {
    assertServer(server);
    if (!this.#shutdown.isClosed) this.handshakes.servers.add(server);
  }

  metrics(): Metrics {
    return {
      peers: this.connections.size,
      pendingHandshakes: this.handshakes.size,
      topics: this.topics.size,
      listeners: this.topics.listeners.size - this.operations.listeners,
      bufferedBytes: this.connections.bufferedBytes,
      backplaneConnected: this.relay?.isUp ?? false,
      backplaneBufferedBytes: this.relay?.bufferedBytes ?? 0,
      ...structuredClone({ ...this.counters }),
      service: Object.fromEntries(this.speakers.metrics().map(({ name, value }) => [name, value])),
      histograms: this.histograms?.snapshot() ?? [],
    };
  }

  metricsText(): string {
    return renderOpenMetrics(this.metrics(), this.speakers.metrics());
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

  /** A server has been told to close. Settles when its peers are gone; undefined if there is nothing to wait for. */
  closeServer(server: Server): Promise<void> | undefined {
    return this.#shutdown.closeServer(server);
  }

  /** A server that was closed listens again. */
  reopenServer(server: Server): void {
    this.#shutdown.reopenServer(server);
    this.relay?.listen();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** All errors that no hook takes are reported here. Never throws. */
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
    subscribe: instance.subscribe.bind(instance),
    disconnect: instance.disconnect.bind(instance),
    count: instance.count.bind(instance),
    attach: instance.attach.bind(instance),
    ready: instance.ready.bind(instance),
    close: instance.close.bind(instance),
    [Symbol.asyncDispose]: instance.close.bind(instance, {}),
    metrics: instance.metrics.bind(instance),
    metricsText: instance.metricsText.bind(instance),
    speakers: instance.speakers,
  });
}
