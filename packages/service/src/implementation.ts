import type {
  Contract,
  DurablePattern,
  EventArgument,
  PresenceData,
  RequestArgument,
  RequestOutput,
  Schema,
  StreamChunk,
  StreamName,
  TopicParams,
  TopicSnapshot,
} from "@spry-ws/contract";
import type { Event, History, Hooks, Peer, UpgradeResult } from "@spry-ws/core";
import type { ServiceLimits } from "./options.ts";
import type { PresenceMember } from "./presence/view.ts";

/** One call of a request's handler. */
export interface Call {
  /** The name of the request. */
  readonly name: string;
  /**
   * Identifies the request: it is the same each time the client sends it, on any connection and to any process, and no other request
   * has it. Give it to whatever must have its effect only once.
   */
  readonly id: string;
  /**
   * Is aborted when nobody waits for the answer any more: the client has cancelled the request, its time is over, or the client has not
   * come back. For a stream, as soon as the connection has ended.
   */
  readonly signal: AbortSignal;
}

/** Answers a request. A `ServiceError` that it throws reaches the client as it is; any other error reaches it as `internal`. */
export type RequestHandler<Context, Argument, Output> = (
  peer: Peer<Context>,
  input: Argument,
  call: Call,
) => Output | Promise<Output>;

/** Answers a request with many values: an async generator. It is asked for the next value when the client can take one. */
export type StreamHandler<Context, Argument, Chunk> = (
  peer: Peer<Context>,
  input: Argument,
  call: Call,
) => AsyncIterable<Chunk>;

/** Takes an event. An error that it throws or rejects with is reported, and has no other effect. */
export type EventHandler<Context, Argument> = (peer: Peer<Context>, input: Argument) => unknown;

/** How much of a durable topic is kept. */
export interface TopicHistoryOptions {
  /** How many messages. A store may keep more. @default 10_000 */
  readonly maxMessages?: number;
  /** For how long, in milliseconds. A store may keep them longer. @default 86_400_000 // 24 hours */
  readonly maxAgeMs?: number;
}

/** Who may subscribe to a topic. */
export interface TopicImplementation<Context, Params> {
  /**
   * Called for every subscription, and again after every reconnect: any result but `true` refuses the subscription, and so does an
   * error, which is reported. `true` in place of a function allows everybody who has passed `upgrade`.
   */
  subscribe: true | ((peer: Peer<Context>, params: Params) => boolean | Promise<boolean>);
}

/** Who may subscribe to a durable topic, and how much of it is kept. */
export interface DurableTopicImplementation<Context, Params> extends TopicImplementation<Context, Params> {
  readonly history?: TopicHistoryOptions;
}

/** Who makes the snapshots of a durable topic. */
export interface SnapshotImplementation<Context, Params, Snapshot> {
  /**
   * What a client gets before the first message when it begins, and where messages are missing for it. The client may get a message that
   * is in it already once more, behind it. An error is reported: the subscription is refused then, and a gap has no snapshot.
   */
  snapshot(peer: Peer<Context>, params: Params): Snapshot | Promise<Snapshot>;
}

/** Who of those that subscribe to a topic are its members. */
export interface PresenceImplementation<Context, Params, Data> {
  /**
   * Called for every subscription that is allowed, and again after every reconnect: who the peer is there. Connections with the same key,
   * like the id of a user, are one member, in whatever processes they are; `data` is what the others see, as the contract says, 1 KiB at
   * most (`limits.maxMemberBytes`). `undefined`: the peer is no member, but may look who is. An error is reported, and refuses
   * the subscription.
   */
  presence(
    peer: Peer<Context>,
    params: Params,
  ): PresenceMember<Data> | undefined | Promise<PresenceMember<Data> | undefined>;
  /**
   * For how long somebody stays a member whose connection has ended without a word, in milliseconds: who comes back meanwhile, to
   * whichever process, has neither left nor joined. 0 makes each lost connection, and each reload of a page, a leave and a join.
   * @default 10_000 // 10 seconds
   */
  readonly graceMs?: number;
}

type Requests<C extends Contract, Context> = {
  [Name in keyof C["requests"]]: (
    peer: Peer<Context>,
    input: RequestArgument<C, Name>,
    call: Call,
  ) => Result<C, Name>;
};

/** What a handler returns. Where the contract has no output, it may return anything, which is ignored. */
type Result<C extends Contract, Name> =
  Name extends StreamName<C>
    ? AsyncIterable<StreamChunk<C, Name>>
    : undefined extends RequestOutput<C, Name>
      ? unknown
      : RequestOutput<C, Name> | Promise<RequestOutput<C, Name>>;

type Events<C extends Contract, Context> = {
  [Name in keyof C["events"]]: EventHandler<Context, EventArgument<C, Name>>;
};

type Topics<C extends Contract, Context> = {
  [Pattern in keyof C["topics"]]: (C["topics"][Pattern] extends { readonly presence: Schema }
    ? PresenceImplementation<Context, TopicParams<Pattern & string>, PresenceData<C, Pattern>>
    : unknown) &
    (Pattern extends DurablePattern<C>
      ? DurableTopicImplementation<Context, TopicParams<Pattern>> &
          (C["topics"][Pattern] extends { readonly snapshot: Schema }
            ? SnapshotImplementation<Context, TopicParams<Pattern>, TopicSnapshot<C, Pattern>>
            : unknown)
      : TopicImplementation<Context, TopicParams<Pattern & string>>);
};

/** The members that are required: a group of handlers for each group of the contract. */
type Needed<C extends Contract> = {
  readonly [Group in keyof C & ("requests" | "events" | "topics")]: unknown;
};

/** What a service does: its handlers, by the names of the contract. */
export type ServiceImplementation<C extends Contract, Context> = {
  /** As in `defineHooks`: decides who may connect, and what `peer.context` is. The service itself selects the subprotocol. */
  upgrade?(event: Event): UpgradeResult<Context> | Promise<UpgradeResult<Context>>;
  /** A client has said hello on a new connection. */
  open?(peer: Peer<Context>): unknown;
  /** The connection of a client has ended. The client may come back, as another peer. */
  close?(peer: Peer<Context>, code: number, reason: string): unknown;
  /** A new token has come on an open connection. Returns when the token expires. An error closes the peer with 4401. */
  token?(peer: Peer<Context>, token: string): Date | number | undefined | Promise<Date | number | undefined>;
  /** Hooks for clients that do not speak `spry.v1`. Without them, such clients are refused with 400. */
  readonly raw?: Hooks;
  readonly limits?: ServiceLimits;
  /**
   * Where the durable topics of the contract are kept: `memoryHistory()`, `redisHistory({ client })`, `jetStreamHistory({ connection })`, or
   * your own.
   * @default memoryHistory() // lost with the process, and not shared with others
   */
  readonly history?: History;
  readonly requests?: Requests<C, Context>;
  readonly events?: Events<C, Context>;
  readonly topics?: Topics<C, Context>;
} & Needed<C>;
