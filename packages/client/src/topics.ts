import type { ClientFrame, Position, SubscriptionState } from "@spry-ws/contract/wire";
import { Emitter } from "./emitter.ts";
import { ItemQueue } from "./item-queue.ts";

/** What comes from a topic, in order. */
export type TopicItem<Message> =
  | { readonly type: "message"; readonly data: Message }
  /**
   * Messages may be missing here: the connection was lost and is back, or too many waited to be read. Load what you show again.
   */
  | { readonly type: "gap" };

/** `pending`: the service has not answered yet. `live`: messages come. `refused`: the service has refused the subscription. */
export type TopicState = "pending" | "live" | "refused";

/** One use of a topic. All uses of the same topic share a subscription, which ends with the last of them. */
export interface TopicHandle<Message> extends AsyncIterable<TopicItem<Message>> {
  /** The name of the topic: its pattern with the parameters. */
  readonly name: string;
  readonly state: TopicState;
  /** Calls back with each item. @returns stops that */
  onItem(listener: (item: TopicItem<Message>) => void): () => void;
  /** Calls back with each change of `state`. @returns stops that */
  onState(listener: (state: TopicState) => void): () => void;
  /** Ends this use, and all loops over it. */
  close(): void;
  /**
   * Reads the items one by one. When more than 10,000 wait to be read, those are dropped, and one `gap` takes their place.
   *
   * @throws Error in the loop, when the client is closed for good
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<TopicItem<Message>, undefined>;
}

/** How many items may wait to be read. */
const maxItems = 10_000;

/** What topics need of the client. */
export interface TopicsOwner {
  readonly peerId: string | undefined;
  send(frame: ClientFrame): void;
}

interface Subscription {
  state: TopicState;
  /** Whether it was live on an earlier connection: then there may be a gap. */
  wasLive: boolean;
  users: number;
  readonly items: Emitter<TopicItem<unknown>>;
  readonly states: Emitter<TopicState>;
  readonly ends: Emitter<Error | undefined>;
}

/** The topics that are in use here. */
export class Topics {
  readonly #owner: TopicsOwner;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(owner: TopicsOwner) {
    this.#owner = owner;
  }

  get names(): string[] {
    return [...this.#subscriptions.keys()];
  }

  use(name: string): TopicHandle<unknown> {
    const known = this.#subscriptions.get(name);
    const subscription = known ?? newSubscription();
    subscription.users++;
    if (!known) {
      this.#subscriptions.set(name, subscription);
      if (this.#owner.peerId !== undefined) this.#owner.send(["s", name]);
    }
    let isClosed = false;
    const own = new Set<() => void>();
    const close = () => {
      if (isClosed) return;
      isClosed = true;
      for (const stop of [...own]) stop();
      subscription.users--;
      // Later, because a component that is mounted again uses the topic again in the same turn.
      queueMicrotask(() => this.#leaveUnused(name, subscription));
    };
    const listen = (stop: () => void) => {
      if (isClosed) stop();
      else own.add(stop);
      return () => {
        if (own.delete(stop)) stop();
      };
    };
    return {
      name,
      get state() {
        return subscription.state;
      },
      onItem: (listener) => listen(subscription.items.on(listener)),
      onState: (listener) => listen(subscription.states.on(listener)),
      close,
      [Symbol.asyncIterator]: () => iterate(subscription, listen),
    };
  }

  #leaveUnused(name: string, subscription: Subscription): void {
    if (subscription.users > 0 || this.#subscriptions.get(name) !== subscription) return;
    this.#subscriptions.delete(name);
    if (this.#owner.peerId !== undefined) this.#owner.send(["u", name]);
  }

  /** The connection has ended. */
  lost(): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.wasLive ||= subscription.state === "live";
      setState(subscription, "pending");
    }
  }

  answered(name: string, state: SubscriptionState): void {
    const subscription = this.#subscriptions.get(name);
    if (!subscription) return;
    const isLive = state !== "refused";
    setState(subscription, isLive ? "live" : "refused");
    if (isLive && subscription.wasLive) subscription.items.emit({ type: "gap" });
    subscription.wasLive = false;
  }

  message(name: string, _position: Position, data: unknown): void {
    this.#subscriptions.get(name)?.items.emit({ type: "message", data });
  }

  /** The client is closed: ends all loops with the error. */
  end(error: Error): void {
    for (const subscription of this.#subscriptions.values()) subscription.ends.emit(error);
  }
}

function newSubscription(): Subscription {
  return {
    state: "pending",
    wasLive: false,
    users: 0,
    items: new Emitter(),
    states: new Emitter(),
    ends: new Emitter(),
  };
}

function setState(subscription: Subscription, state: TopicState): void {
  if (subscription.state === state) return;
  subscription.state = state;
  subscription.states.emit(state);
}

function iterate(
  { items, ends }: Subscription,
  listen: (stop: () => void) => () => void,
): ItemQueue<TopicItem<unknown>> {
  let stop = () => {};
  const queue = new ItemQueue<TopicItem<unknown>>(() => stop());
  const stops = [
    items.on((item) => {
      if (queue.size >= maxItems) {
        queue.clear();
        queue.push({ type: "gap" });
      }
      queue.push(item);
    }),
    ends.on((error) => queue.end({ error })),
  ];
  stop = listen(() => {
    for (const one of stops) one();
    queue.end();
  });
  return queue;
}
