/**
 * The contract between spry-ws and what joins processes: Redis, NATS, `node:cluster`, or a broker of your own. A backplane
 * carries opaque bytes for topics. What they mean, for whom they are, and whether they have come before is decided elsewhere.
 * `backplaneCases` of `@spry-ws/testing/backplane` checks an implementation.
 */
export interface Backplane {
  /** For errors and diagnostics: `redis`, `nats`. */
  readonly name: string;
  /**
   * Opens a link to the broker, for one instance. It is called once for each instance that has this backplane; every link has
   * subscriptions of its own.
   *
   * - MUST NOT throw and MUST NOT wait: errors are told to `events`.
   * - MUST call `events.up()` once publishes and subscriptions reach the broker, and again after each `events.down()`. The second
   *   call MUST wait until every `publish` that was called before has settled.
   */
  open(events: BackplaneEvents): BackplaneLink;
}

/** One message on its way to other processes. */
export interface BackplaneMessage {
  /** Any string, also an empty one, or one with lone surrogates. Two different topics MUST be different for the broker too. */
  readonly topic: string;
  /** MUST arrive as it is, byte for byte, and MUST NOT be changed. */
  readonly data: Uint8Array;
}

/**
 * One instance's use of a backplane. `publish`, `subscribe` and `unsubscribe` are called only while the link is up, from
 * `events.up()` until `events.down()`. Their effects MUST come in the order of the calls.
 */
export interface BackplaneLink {
  /**
   * Hands messages to the broker: all that one turn of the event loop published, in order.
   *
   * - MUST keep the order of the messages of a topic, also between calls.
   * - MUST settle: resolve when the broker has the messages, or at least when the socket has taken them; reject with the
   *   reason when the broker refused any of them. Where it has taken others of the call, the reason SHOULD be a
   *   `BackplaneRefusal` that says which were refused.
   * - MUST call `events.down(error)` before it rejects because the connection was lost: the messages are kept then, and
   *   handed over again after `events.up()`. What is refused on a link that is up is given up, and reported: each topic once,
   *   until one of its messages is taken.
   * - MAY deliver a message more than once, after a reconnect: the receiver drops what it has seen.
   * - MAY deliver to the link that published, or not: the receiver drops its own.
   */
  publish(messages: readonly BackplaneMessage[]): Promise<void>;
  /**
   * Topics that have their first local subscriber. From when the promise resolves, every message published to them anywhere
   * MUST come to `events.message`, until `unsubscribe`. MUST survive a reconnect: the subscriptions are back before
   * `events.up()` is called.
   *
   * One topic that the broker refuses SHOULD NOT keep others from their messages: the call then rejects with a
   * `BackplaneRefusal`, and is in force for the rest. What is refused is told again, after a second and then after twice as
   * long each time, up to 30 seconds. What rejects because the connection was lost is told again once the link is back.
   */
  subscribe(topics: readonly string[]): Promise<void>;
  /** Topics whose last local subscriber has left. Messages of theirs SHOULD NOT come any more. */
  unsubscribe(topics: readonly string[]): Promise<void>;
  /**
   * Closes what this link has opened. MUST hand over what `publish` was given, as far as the broker takes it; MUST NOT close a
   * client that the user has made; MUST NOT reject, and MUST NOT call `events` any more once it has settled.
   */
  close(): Promise<void>;
}

/**
 * What `publish` or `subscribe` rejects with when the broker has refused a part of the call, and taken the rest. `refusalOf` of
 * `@spry-ws/core/adapter` makes one.
 */
export interface BackplaneRefusal<Part extends BackplaneMessage | string> extends Error {
  /** The very messages of a `publish`, or the topics of a `subscribe`, that were refused, with the reason for each. */
  readonly refused: ReadonlyMap<Part, unknown>;
}

/** What a link knows of why and since when it is down. */
export interface BackplaneDownDetails {
  /** The link will not recover without a change by the user: wrong credentials, a closed client. @default false */
  readonly permanent?: boolean;
  /**
   * When the link last heard from the broker, as `performance.now()`: messages that were published later may be missing. A connection
   * may be dead for a while before that is noticed. SHOULD be given.
   *
   * @default now
   */
  readonly lastHeardAt?: number;
}

/** What a link knows of other links that have lost the broker too. */
export interface BackplaneUpDetails {
  /**
   * How much later than this link others may be back after an outage, in milliseconds: the longest pause of such a link between two
   * attempts. All messages wait for that time, as a broker that keeps nothing would deliver them to nobody.
   *
   * @default 0
   */
  readonly othersBackWithinMs?: number;
}

/** What a link tells the instance it was opened for. None of these throws. */
export interface BackplaneEvents {
  /** A message for a subscribed topic. Other topics are ignored. */
  message(topic: string, data: Uint8Array): void;
  /** Publishes and subscriptions reach the broker, and all subscriptions are in place. Twice changes nothing. */
  up(details?: BackplaneUpDetails): void;
  /** Publishes and subscriptions do not reach the broker, yet or any more. Twice changes nothing but the reason. */
  down(reason: unknown, details?: BackplaneDownDetails): void;
  /**
   * The broker has taken away subscriptions that were in force, with the reason for each: a permission was revoked, for example. They
   * are given to `subscribe` again, like those of a rejected call.
   */
  refused(topics: ReadonlyMap<string, unknown>): void;
  /** Something went wrong that neither ends the connection nor belongs to a call. */
  error(error: unknown): void;
}
