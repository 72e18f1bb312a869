import type { Contract, PresenceData, PresencePattern, TopicParams } from "@spry-ws/contract";
import { contractError, encodeFrame, isFinal, subprotocol, topicOf } from "@spry-ws/contract/wire";
import {
  type Event,
  type Hooks,
  type Message,
  type Peer,
  type UpgradeResult,
  useHeaders,
} from "@spry-ws/core";
import {
  addSpeaker,
  type ExtraMetric,
  reportHookError,
  type Speaker,
  type SpeakerReport,
} from "@spry-ws/core/adapter";
import { Conversation, type ConversationOwner } from "./conversation.ts";
import { retryAfterMs } from "./going-away.ts";
import { checkImplementation, Definitions, type Handlers } from "./handlers.ts";
import { ServiceHeartbeat } from "./heartbeat.ts";
import { DurableTopics } from "./history/durable-topics.ts";
import { historyMetrics } from "./history/history-metrics.ts";
import { memoryHistory } from "./history/memory-history.ts";
import type { Published } from "./history/publishing.ts";
import type { ServiceImplementation } from "./implementation.ts";
import { type ResolvedLimits, resolveLimits } from "./options.ts";
import { PresentTopics } from "./presence/topics.ts";
import type { PresenceView } from "./presence/view.ts";
import { Sessions } from "./sessions.ts";
import type { TopicPublisher } from "./topic-publisher.ts";
import {
  assertCarrier,
  assertHistory,
  resolveRetentions,
  type ServiceCarrier,
  TopicsPublisher,
} from "./topics-publisher.ts";

/** What `createService` makes: hooks to mount on a route, which publish too. */
export interface Service<C extends Contract, Context = unknown> extends Hooks<Context>, TopicPublisher<C> {
  /**
   * Who is there in a topic, in all processes that share the backplane: whose subscription was allowed, and has not ended.
   *
   * @param pattern as in the contract, with `params` for its parameters
   * @throws TypeError `SPRY_WS_CONTRACT` for an unknown topic or parameter, or a topic without members
   * @example
   * const room = live.presence("rooms/:room", { room: "42" });
   * await room.ready();
   * console.log(room.count, [...room.members.values()]);
   */
  presence<Pattern extends PresencePattern<C>>(
    pattern: Pattern,
    params: TopicParams<Pattern>,
  ): ServicePresence<PresenceData<C, Pattern>>;
}

/** Who is there in a topic of a service. */
export interface ServicePresence<Data> extends PresenceView<Data> {
  /**
   * The member that a peer is has other data from now on, until one of its connections subscribes anew.
   *
   * @returns false if the peer is no member, and nothing happens
   * @throws TypeError `SPRY_WS_CONTRACT` for data that the contract's schema refuses, `SPRY_WS_DATA` for more bytes than
   * `limits.maxMemberBytes`
   */
  update(peer: Peer, data: Data): boolean;
}

/**
 * Makes hooks of a contract and its handlers: mount them as any others, `app.ws("/live", service)`. Clients that offer the
 * subprotocol `spry.v1` are served; all others go to `raw`.
 *
 * A request runs as soon as it comes, at the same time as others of the same client. Only `open` holds up the requests after it.
 *
 * @param spry the instance whose topics carry the messages: what `spryWs()` gives, in Fastify `app.spryWs`
 * @throws TypeError `SPRY_WS_CONTRACT` for a handler that is missing, unknown or no function
 * @example
 * const live = createService(spry, chat, {
 *   upgrade: (event) => ({ context: { name: nameOf(event) } }),
 *   requests: {
 *     say(peer, { room, text }) {
 *       live.publish("rooms/:room", { room }, { from: peer.context.name, text });
 *     },
 *   },
 *   topics: { "rooms/:room": { subscribe: true } },
 * });
 * app.ws("/live", live);
 */
export function createService<C extends Contract, Context>(
  spry: ServiceCarrier,
  contract: C,
  implementation: ServiceImplementation<C, Context>,
): Service<C, Context> {
  assertCarrier(spry, "createService(spry, contract, implementation)");
  const handlers = checkImplementation(contract, implementation);
  const service = new ServiceHooks(spry, contract, handlers, resolveLimits(implementation.limits));
  service.reportError = addSpeaker(spry, service) ?? service.reportError;
  return service as unknown as Service<C, Context>;
}

/** The methods with the names of hooks are the hooks that `createService` returns. */
class ServiceHooks implements ConversationOwner, Speaker {
  readonly subprotocol: string = subprotocol;
  readonly definitions: Definitions;
  readonly handlers: Handlers;
  readonly limits: ResolvedLimits;
  readonly sessions: Sessions;
  /** Undefined where the contract has none. */
  readonly durable: DurableTopics | undefined;
  /** Undefined where no topic of the contract has members. */
  readonly present: PresentTopics | undefined;
  readonly rest: Speaker["rest"];
  readonly ready: Speaker["ready"];
  /** Takes the errors of the store. */
  reportError: SpeakerReport = (error) => console.error(error);
  readonly #publisher: TopicsPublisher;
  readonly #conversations = new Map<Peer, Conversation>();
  readonly #heartbeat: ServiceHeartbeat;

  constructor(carrier: ServiceCarrier, contract: Contract, handlers: Handlers, limits: ResolvedLimits) {
    this.definitions = new Definitions(contract);
    this.handlers = handlers;
    this.limits = limits;
    const retentions = resolveRetentions(this.definitions, handlers.topics);
    this.durable = retentions.size > 0 ? this.#openHistory() : undefined;
    this.present = this.definitions.havePresence ? new PresentTopics(carrier, this) : undefined;
    this.rest = this.#resting();
    this.ready = this.durable?.ready.bind(this.durable);
    this.#publisher = new TopicsPublisher(carrier, this.definitions, this.durable, retentions);
    this.sessions = new Sessions(limits);
    this.#heartbeat = new ServiceHeartbeat(this.#conversations, limits.heartbeatMs);
  }

  publish(...args: Parameters<TopicsPublisher["publish"]>): Promise<Published> | undefined {
    return this.#publisher.publish(...args);
  }

  presence(pattern: string, params: Readonly<Record<string, string>>): ServicePresence<unknown> {
    if (!this.definitions.topic(pattern).presence || !this.present)
      throw contractError(
        `the topic "${pattern}" has no members; write "presence" with the schema of their data beside "message" in the contract`,
      );
    const { present, definitions } = this;
    const topic = topicOf(pattern, params);
    return Object.assign(present.view(topic), {
      update(peer: Peer, data: unknown) {
        definitions.checkMember(pattern, data);
        return present.update(topic, peer, data);
      },
    });
  }

  report(peer: Peer, error: unknown): void {
    reportHookError(peer, error);
  }

  settled(peer: Peer): Promise<void> | undefined {
    return this.#conversations.get(peer)?.settle();
  }

  leaving(peer: Peer): void {
    if (!this.#conversations.has(peer)) return;
    peer.send(encodeFrame(["b", retryAfterMs(this.#conversations.size)]));
    this.present?.leaves(peer);
  }

  refusing(code: number, reason: string, retryAfterMs: number): string | undefined {
    return isFinal(code) ? undefined : (encodeFrame(["b", retryAfterMs, code, reason]) as string);
  }

  metrics(): readonly ExtraMetric[] {
    const { durable, present } = this;
    return [...(durable ? historyMetrics(durable) : []), ...(present?.metrics() ?? [])];
  }

  opened(peer: Peer): unknown {
    return this.handlers.hooks.open?.(peer);
  }

  upgrade(event: Event): UpgradeResult<unknown> | Promise<UpgradeResult<unknown>> {
    const { hooks, raw } = this.handlers;
    if (!speaksProtocol(event)) {
      if (raw) return raw.upgrade?.(event);
      return new Response(`This route speaks ${subprotocol}: connect with @spry-ws/client\n`, {
        status: 400,
      });
    }
    const result = hooks.upgrade?.(event);
    return result instanceof Promise ? result.then(select) : select(result);
  }

  open(peer: Peer): unknown {
    if (peer.protocol !== subprotocol) return this.handlers.raw?.open?.(peer);
    this.#conversations.set(peer, new Conversation(this, peer));
    this.present?.opened(peer);
    this.#heartbeat.start();
    return undefined;
  }

  message(peer: Peer, message: Message): unknown {
    const conversation = this.#conversations.get(peer);
    return conversation ? conversation.receive(message) : this.handlers.raw?.message?.(peer, message);
  }

  drain(peer: Peer): unknown {
    return this.#conversations.has(peer) ? undefined : this.handlers.raw?.drain?.(peer);
  }

  close(peer: Peer, code: number, reason: string): unknown {
    const conversation = this.#conversations.get(peer);
    if (!conversation) return this.handlers.raw?.close?.(peer, code, reason);
    this.#conversations.delete(peer);
    this.present?.closed(peer);
    conversation.end(mayComeBack(code, reason));
    return conversation.isOpen ? this.handlers.hooks.close?.(peer, code, reason) : undefined;
  }

  error(peer: Peer, error: unknown): unknown {
    const { raw } = this.handlers;
    if (peer.protocol !== subprotocol && raw?.error) return raw.error(peer, error);
    return this.report(peer, error);
  }

  #resting(): Speaker["rest"] {
    const { durable, present } = this;
    if (!durable && !present) return undefined;
    return async (deadlineMs, isForGood) => {
      present?.rest(isForGood);
      await durable?.rest(deadlineMs, isForGood);
    };
  }

  #openHistory(): DurableTopics {
    const { history = memoryHistory() } = this.handlers;
    assertHistory(history, "createService()");
    return new DurableTopics({ history, limits: this.limits, report: (error) => this.reportError(error) });
  }
}

/** Whether a client whose connection has ended so may come back, and stays a member of its topics for the grace. */
function mayComeBack(code: number, reason: string): boolean {
  if (code === 1000) return reason === pageHidden;
  return !isFinal(code) || code === refusedToken || code === replaced;
}

/** Pages that are left say so: reloaded, or in the back-forward cache, they are back soon. */
const pageHidden = "page hidden";

/** Another token may be there soon; a later connection of the client is there already. */
const [refusedToken, replaced] = [4401, 4409];

function speaksProtocol(event: Event): boolean {
  const offered = useHeaders(event).get("sec-websocket-protocol") ?? "";
  return offered.split(",").some((name) => name.trim() === subprotocol);
}

/** Adds the subprotocol to what the user's `upgrade` hook has returned, unless that is a refusal. */
function select(result: UpgradeResult<unknown>): UpgradeResult<unknown> {
  if (result === undefined || result === null) return { protocol: subprotocol };
  if (typeof result !== "object" || isOf(result, "Response")) return result;
  if (isOf(result, "Headers")) return { headers: result as Headers, protocol: subprotocol };
  const { protocol } = result as { protocol?: string };
  if (protocol !== undefined && protocol !== subprotocol)
    throw contractError(
      `the upgrade hook of a service selected "${protocol}"; leave the subprotocol to the service`,
    );
  return { ...result, protocol: subprotocol };
}

/** Not `instanceof`: a value from another realm has another class of the same name. */
function isOf(value: object, brand: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${brand}]`;
}
