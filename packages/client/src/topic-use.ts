import type { SubscriptionState } from "@spry-ws/contract/wire";
import { Emitter } from "./emitter.ts";
import { ItemQueue } from "./item-queue.ts";
import { type Members, UsePresence } from "./members.ts";
import { isBefore, isVague } from "./positions.ts";
import type { TopicHandle, TopicItem, TopicState } from "./topic.ts";

type Item = TopicItem<unknown, unknown, string | undefined>;

/** What a use of a topic needs of its subscription. */
export interface TopicUseOwner {
  readonly name: string;
  readonly state: TopicState;
  /** How many items may wait to be read. */
  readonly maxItems: number;
  /** Who is there. */
  readonly members: Members;
  /** What the use wants of the subscription is something else now. */
  changed(): void;
  left(use: TopicUse): void;
}

/** One use of a topic: how far it is in the log, and who gets what follows. */
export class TopicUse implements TopicHandle<Item> {
  /**
   * - `on`: what comes is what follows `need`
   * - `behind`: the subscription has begun at an earlier position: this use has had what comes, until `need` comes by
   * - `off`: what comes is not for this use
   */
  stage: "on" | "behind" | "off" = "off";
  /** What to subscribe with for this use: where it begins, and later the position of the last item that it took. */
  need: string | undefined;
  position: string | undefined;
  readonly #owner: TopicUseOwner;
  readonly #from: string | undefined;
  #items = new Emitter<Item>();
  #states = new Emitter<TopicState>();
  readonly #queues = new Set<ItemQueue<Item>>();
  /** Whether it is known where in the log this use begins. */
  #hasBegun = false;
  #isFull = false;
  /** The gaps that a snapshot follows: nobody is to go on from between them. */
  readonly #openGaps = new WeakSet<Item>();
  #end: { readonly error?: unknown } | undefined;
  #presence: UsePresence | undefined;

  constructor(owner: TopicUseOwner, from: string | undefined) {
    this.#owner = owner;
    this.#from = this.need = from;
  }

  get name(): string {
    return this.#owner.name;
  }

  get state(): TopicState {
    return this.#owner.state;
  }

  /** Whether it needs no messages for now: nobody would get them, or too many wait to be read. */
  get isPaused(): boolean {
    return this.#isFull || this.#isIdle;
  }

  /** Whether it has been asked who is there. */
  get isLooking(): boolean {
    return this.#presence !== undefined;
  }

  get presence(): UsePresence {
    if (!this.#presence) {
      this.#presence = new UsePresence(this.#owner.members);
      this.#owner.changed();
    }
    return this.#presence;
  }

  get #isIdle(): boolean {
    return this.#items.size + this.#queues.size === 0;
  }

  onItem(listener: (item: Item) => void): () => void {
    const stop = this.#items.on(listener);
    this.#owner.changed();
    return () => {
      stop();
      this.#stopped();
    };
  }

  onState(listener: (state: TopicState) => void): () => void {
    return this.#states.on(listener);
  }

  [Symbol.asyncIterator](): ItemQueue<Item> {
    const queue = new ItemQueue<Item>(
      () => {
        this.#queues.delete(queue);
        this.#stopped();
      },
      (item) => {
        this.#passed(item);
        this.#relieve();
      },
    );
    this.#queues.add(queue);
    if (this.#end) queue.end(this.#end);
    this.#owner.changed();
    return queue;
  }

  close(): void {
    this.end({});
    this.#presence?.close();
    this.#owner.left(this);
  }

  /** Nothing comes any more: ends all loops, with the error where there is one. */
  end(end: { readonly error?: unknown }): void {
    this.#end = end;
    this.#items = new Emitter();
    this.#states = new Emitter();
    for (const queue of this.#queues) queue.end(end);
  }

  stateChanged(): void {
    this.#states.emit(this.state);
  }

  /** The service has answered a subscription with `asked`. What comes is behind `position`. */
  answered(
    asked: string | undefined,
    state: SubscriptionState,
    position: string | undefined,
    snapshot: unknown,
  ): void {
    const isTaking = this.stage !== "off";
    this.stage = "off";
    if (this.need !== asked) {
      this.join(position);
      // One that was off has a position that may not be of this log. The service has to be asked about it.
      if (isTaking && isBefore(position, this.need)) this.stage = "behind";
    } else if (!this.#isIdle) {
      const isGap = state === "gap" || (state === "live" && this.#hasBegun);
      this.#begin(position, isGap, snapshot);
    } else if (asked === undefined && snapshot === undefined) {
      // Whoever listens later gets what is published from now on.
      this.need = this.position = position;
    }
  }

  /** Takes what comes, if this use has all that is before that. */
  join(position: string | undefined): void {
    if (!this.isPaused && this.need === position) this.#begin(position);
  }

  /** A message has come. */
  message(position: string | undefined, data: unknown): void {
    if (this.stage === "on") {
      this.need = position;
      this.#hasBegun = true;
      this.#give({ type: "message", data, position });
    } else if (this.stage === "behind" && !isBefore(position, this.need)) {
      const isHere = position === this.need;
      this.stage = isHere ? "on" : "off";
      // The log is another one than that of this use: the service says so when it is asked.
      if (!isHere) this.#owner.changed();
    }
  }

  /** Messages up to `position` are missing. */
  missed(position: string | undefined, snapshot: unknown): void {
    if (this.stage === "behind" && isBefore(position, this.need)) return;
    const isHere = this.stage === "behind" && position === this.need;
    if (isHere) this.stage = "on";
    else if (this.stage !== "off") this.#begin(position, true, snapshot);
  }

  #begin(position: string | undefined, isGap = false, snapshot?: unknown): void {
    if (!this.#hasBegun && !isGap && snapshot === undefined) this.position = position;
    this.#hasBegun = !isVague(position);
    this.need = position;
    this.stage = this.#isFull ? "off" : "on";
    const gap: Item = { type: "gap", position };
    if (snapshot !== undefined) this.#openGaps.add(gap);
    if (isGap) this.#give(gap);
    if (snapshot !== undefined) this.#give({ type: "snapshot", data: snapshot, position });
  }

  #give(item: Item): void {
    const isDurable = item.position !== undefined;
    const { maxItems } = this.#owner;
    for (const queue of this.#queues) {
      if (queue.size >= maxItems && !isDurable) {
        queue.clear();
        queue.push({ type: "gap", position: undefined });
      }
      queue.push(item);
      if (queue.size >= maxItems && isDurable) this.#isFull = true;
    }
    if (this.#items.size > 0) {
      this.#passed(item);
      this.#items.emit(item);
    }
    if (!this.#isFull) return;
    this.stage = "off";
    this.#owner.changed();
  }

  /** Somebody has got an item. */
  #passed(item: Item): void {
    if (!this.#openGaps.has(item)) this.position = item.position;
  }

  /** Items were read, or will not be. */
  #relieve(): void {
    if (!this.#isFull || [...this.#queues].some(({ size }) => size > this.#owner.maxItems / 2)) return;
    this.#isFull = false;
    this.#owner.changed();
  }

  /** Somebody does not want items any more. What was taken and not read is there for who comes next. */
  #stopped(): void {
    this.#relieve();
    if (!this.#isIdle || this.need === undefined) return;
    this.stage = "off";
    this.need = this.position ?? this.#from;
    this.#hasBegun = this.position !== undefined && !isVague(this.position);
    // Later, because another listener may follow in the same turn.
    queueMicrotask(() => this.#owner.changed());
  }
}
