import type {
  Contract,
  EventArgument,
  RequestArgument,
  RequestOutput,
  StreamChunk,
  StreamName,
  TopicParams,
} from "@spry-ws/contract";
import type { Event, Hooks, Peer, UpgradeResult } from "@spry-ws/core";
import type { ServiceLimits } from "./options.ts";

/** One call of a request's handler. */
export interface Call {
  /** The name of the request. */
  readonly name: string;
  /**
   * The same whenever the client sends this request, on whichever connection and to whichever process; of no other request.
   * Give it to whatever must have its effect once.
   */
  readonly id: string;
  /**
   * Fires when nobody waits for the answer any more: the client has cancelled, its time is over, it has not come back; with a
   * stream, as soon as its connection has ended.
   */
  readonly signal: AbortSignal;
}

/** Answers a request. What it throws reaches the client: a `ServiceError` as it is, anything else as `internal`. */
export type RequestHandler<Context, Argument, Output> = (
  peer: Peer<Context>,
  input: Argument,
  call: Call,
) => Output | Promise<Output>;

/** Answers a request with many values: an async generator. It is asked for the next one when the client can take it. */
export type StreamHandler<Context, Argument, Chunk> = (
  peer: Peer<Context>,
  input: Argument,
  call: Call,
) => AsyncIterable<Chunk>;

/** Takes an event. What it throws or rejects with is reported, and nothing else happens. */
export type EventHandler<Context, Argument> = (peer: Peer<Context>, input: Argument) => unknown;

/** What a topic's subscribers have to pass. */
export interface TopicImplementation<Context, Params> {
  /**
   * Who may subscribe: asked with every subscription, and again after every reconnect. Anything but `true` refuses, and so does
   * an error, which is reported. `true` in place of a function lets everybody in who has passed `upgrade`.
   */
  subscribe: true | ((peer: Peer<Context>, params: Params) => boolean | Promise<boolean>);
}

type Requests<C extends Contract, Context> = {
  [Name in keyof C["requests"]]: (
    peer: Peer<Context>,
    input: RequestArgument<C, Name>,
    call: Call,
  ) => Result<C, Name>;
};

/** Where the contract has no output, what is returned is of no account. */
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
  [Pattern in keyof C["topics"]]: TopicImplementation<Context, TopicParams<Pattern & string>>;
};

/** What has to be given: a group of handlers for each group of the contract. */
type Needed<C extends Contract> = {
  readonly [Group in keyof C & ("requests" | "events" | "topics")]: unknown;
};

/** What a service does: its handlers, by the names of the contract. */
export type ServiceImplementation<C extends Contract, Context> = {
  /** As in `defineHooks`: who may connect, and what `peer.context` is. The subprotocol is the service's to select. */
  upgrade?(event: Event): UpgradeResult<Context> | Promise<UpgradeResult<Context>>;
  /** A client has said hello on a new connection. */
  open?(peer: Peer<Context>): unknown;
  /** Its connection has ended. It may come back, as another peer. */
  close?(peer: Peer<Context>, code: number, reason: string): unknown;
  /** A new token has come on an open connection. What it returns is when it expires; an error closes with 4401. */
  token?(peer: Peer<Context>, token: string): Date | number | undefined | Promise<Date | number | undefined>;
  /** Hooks for clients that do not speak `spry.v1`. Without them these are refused with 400. */
  readonly raw?: Hooks;
  readonly limits?: ServiceLimits;
  readonly requests?: Requests<C, Context>;
  readonly events?: Events<C, Context>;
  readonly topics?: Topics<C, Context>;
} & Needed<C>;
