import type { Server } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Server as SecureServer } from "node:https";
import type { ReadyOptions } from "./backplane/relay.ts";
import type { Message, MessageData } from "./message.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { CountOptions } from "./options/call-options.ts";
import type { CloseOptions } from "./options/close-options.ts";
import type { Peer } from "./peer.ts";

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
   * The process itself listens to a topic: the listener is called with each message that anybody publishes to it, peers and this
   * process included, and with a `backplane` those of other processes. Messages come in the order in which they were published; what
   * this process publishes comes before `publish` returns. Each listener gets a message of its own, which it may keep and change. It
   * runs in the async context of this call. What it throws or rejects with goes to `onError`, with the stage `listener`, and keeps
   * nobody else from the message; an async one is not waited for.
   *
   * Where others are to be heard from a certain time on, wait for `ready()` after it. While a broker is away messages may be
   * missed: that is reported to `onError` as `SPRY_WS_BACKPLANE_GAP`. A listener does not keep the process running whose servers
   * have all been closed: it hears those of other processes again when a server listens.
   *
   * @returns ends it; more than once is nothing. `close()` ends all, and there are none after it
   * @throws TypeError `SPRY_WS_TOPIC` if the topic is not a string, `SPRY_WS_OPTION` if the listener is not a function
   * @example
   * spry.subscribe("prices", (message) => cache.delete(message.text()));
   */
  subscribe(topic: string, listener: (message: Message) => void): () => void;
  /**
   * Closes every subscriber of a topic, with a `backplane` also those of other processes: to log out a user everywhere, or to end a
   * room. What was published to the topic before is delivered first. Messages of these peers that come later, or wait for a running
   * hook, are no longer delivered. Whoever subscribes afterwards is not closed. While a broker is away the others wait for it, as for
   * what is published.
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999; 1000 where there is none: whoever reconnects by itself after a failure takes
   * it for an end that was meant
   * @param reason up to 123 bytes of UTF-8; a longer one is cut at the end of a character
   * @throws RangeError `SPRY_WS_CLOSE` for another code, TypeError `SPRY_WS_OPTION` for a reason that is no string, before anybody is
   * closed
   * @example
   * await sessions.revoke(userId);
   * spry.disconnect(`user:${userId}`, 4401, "logged out");
   */
  disconnect(topic: string, code?: number, reason?: string): void;
  /**
   * How many peers are subscribed to a topic, with a `backplane` in all processes. Without one it resolves at once. With one it asks the
   * others, and waits `waitMs` (500) for their answers, as nobody knows how many there will be: a process that is paused or cut off
   * is not counted. While a broker is away only this process's peers are. Calls for a topic that is being counted share the answers.
   * Peers that are closing do not count.
   *
   * @throws TypeError (rejects) `SPRY_WS_TOPIC` if the topic is not a string, `SPRY_WS_OPTION` for other options
   * @example
   * response.json({ viewers: await spry.count(`room:${room}`, { waitMs: 200 }) });
   */
  count(topic: string, options?: CountOptions): Promise<number>;
  /**
   * Listens for handshakes on a server, until `close()`: of `node:http`, `node:https`, or `http2.createSecureServer` with
   * `allowHTTP1: true`, over whose HTTP/1.1 they come. Needed only where the adapter cannot see the server by itself; doing it
   * twice changes nothing.
   *
   * @throws TypeError `SPRY_WS_SERVER` for what is not a server
   */
  attach(server: Server | SecureServer | Http2SecureServer): void;
  /**
   * Resolves when the backplane can be reached and the topics that this process has subscribers for are subscribed there; at once
   * without one. It does not wait for topics that come after the call. The histories of services that were made before the call must be
   * reached too. Wait for it before `listen` to find a wrong password at start.
   *
   * @throws Error `SPRY_WS_BACKPLANE`, or `SPRY_WS_HISTORY` for a history (rejects), after `timeoutMs`, or as soon as it is clear that it
   * cannot be reached
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
