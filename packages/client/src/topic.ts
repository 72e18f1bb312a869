import type { Contract, DurablePattern, TopicMessage, TopicSnapshot } from "@spry-ws/contract";

/**
 * Where to begin with a durable topic: with what is published from now on; with the oldest message that is kept; with the last so many of
 * those that are kept; or behind a position that was saved.
 */
export type TopicFrom = "now" | "start" | { readonly last: number } | (string & {});

/** Options of a use of a durable topic. */
export interface TopicOptions<From = TopicFrom> {
  /**
   * Where to begin. A position that the log does not have any more begins with a `gap` item, and what is kept follows.
   *
   * @default "now"
   */
  from?: From;
}

/** What comes from a topic, in order. */
export type TopicItem<Message, Snapshot = never, Position extends string | undefined = undefined> =
  | {
      readonly type: "message";
      readonly data: Message;
      /** Where this message is in the log of a durable topic: whoever begins from there gets what follows it. */
      readonly position: Position;
    }
  /**
   * Messages may be missing here. In a durable topic: the log does not have them any more. In others: the connection was lost and is back,
   * or too many waited to be read. Load what you show again, unless a snapshot follows.
   */
  | { readonly type: "gap"; readonly position: Position }
  | ([Snapshot] extends [never]
      ? never
      : {
          /** What the messages change, as a whole: it comes first from "now", and behind each gap. Messages that follow may be part of it. */
          readonly type: "snapshot";
          readonly data: Snapshot;
          readonly position: Position;
        });

/** What comes from a topic of a contract. Only durable topics have positions and snapshots. */
export type TopicItemOf<C extends Contract, Pattern> =
  Pattern extends DurablePattern<C>
    ? TopicItem<TopicMessage<C, Pattern>, SnapshotOf<TopicSnapshot<C, Pattern>>, string>
    : TopicItem<TopicMessage<C, Pattern>>;

type SnapshotOf<Snapshot> = undefined extends Snapshot ? never : Snapshot;

/** The options of a use, where the topic is durable. */
export type OptionsOf<C extends Contract, Pattern, From = TopicFrom> =
  Pattern extends DurablePattern<C> ? [options?: TopicOptions<From>] : [];

/** `pending`: the service has not answered yet. `live`: messages come. `refused`: the service has refused the subscription. */
export type TopicState = "pending" | "live" | "refused";

/** One use of a topic. All uses of the same topic share a subscription, which ends with the last of them. */
export interface TopicHandle<Item> extends AsyncIterable<Item> {
  /** The name of the topic: its pattern with the parameters. */
  readonly name: string;
  readonly state: TopicState;
  /**
   * Where this use of a durable topic is: at the last item that it has given to a listener or a loop. Before the first, where it begins,
   * once the service has answered. Save it to go on from there with `from`.
   */
  readonly position: string | undefined;
  /** Calls back with each item. @returns stops that */
  onItem(listener: (item: Item) => void): () => void;
  /** Calls back with each change of `state`. @returns stops that */
  onState(listener: (state: TopicState) => void): () => void;
  /** Ends this use, and all loops over it. */
  close(): void;
  /**
   * Reads the items one by one. When 10,000 wait to be read, a use of a durable topic gets no more until half of them are read, and goes
   * on in the log: nothing is dropped. Of other topics, those that wait are dropped, and one `gap` takes their place.
   *
   * @throws Error in the loop, when the client is closed for good
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item, undefined>;
}
