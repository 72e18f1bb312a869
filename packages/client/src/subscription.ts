import type { ClientFrame, Position, Presence, SubscriptionState } from "@spry-ws/contract/wire";
import { Members } from "./members.ts";
import { isBefore, isVague } from "./positions.ts";
import type { TopicState } from "./topic.ts";
import { TopicUse } from "./topic-use.ts";

/** What subscriptions need of the client. */
export interface SubscriptionOwner {
  /** The id of the connection, from the hello of the service on. */
  readonly peerId: string | undefined;
  readonly maxItems: number;
  send(frame: ClientFrame): void;
}

/**
 * The subscription to a topic that all its uses share. The service is asked for the position of each use that cannot go on with what
 * comes; those that are further on then skip what they have had.
 */
export class Subscription {
  readonly name: string;
  readonly maxItems: number;
  state: TopicState = "pending";
  readonly #owner: SubscriptionOwner;
  readonly #ended: () => void;
  readonly #uses = new Set<TopicUse>();
  /** Who is there. Made anew when a use asks, and none has asked before. */
  #members: Members | undefined;
  /** Whether the service has been asked who is there, in this subscription. */
  #isLooking = false;
  /** What the service was asked for, and has not answered yet. It is asked for one thing at a time: so it is known what it answers. */
  #asked: { readonly need: string | undefined } | undefined;
  /** Whether messages come. */
  #isOn = false;
  /** What comes is behind this position. Undefined in a topic without a log. */
  #position: string | undefined;

  /** @param ended called when there are no uses any more */
  constructor(name: string, owner: SubscriptionOwner, ended: () => void) {
    this.name = name;
    this.maxItems = owner.maxItems;
    this.#owner = owner;
    this.#ended = ended;
  }

  use(from: string | undefined): TopicUse {
    const use = new TopicUse(this, from);
    this.#uses.add(use);
    this.changed();
    return use;
  }

  left(use: TopicUse): void {
    this.#uses.delete(use);
    // Later, because a component that is mounted again uses the topic again in the same turn.
    queueMicrotask(() => this.changed());
  }

  get members(): Members {
    this.#members ??= new Members();
    return this.#members;
  }

  /** Asks for what the uses need, or for no more. */
  changed(): void {
    this.#look();
    if (this.#asked) return;
    const uses = [...this.#uses];
    if (this.#isOn) for (const use of uses) if (use.stage === "off") use.join(this.#position);
    if (uses.length === 0) {
      if (this.#isOn) this.#leave();
      this.#ended();
    } else if (this.#owner.peerId === undefined || this.state === "refused" || this.#isVague) return;
    else if (this.state === "pending" || uses.some(isWaiting)) {
      this.#owner.send(["s", this.name, this.ask()]);
      this.#look();
    } else if (
      this.#isOn &&
      this.#position !== undefined &&
      !this.#isLooking &&
      uses.every((use) => use.isPaused)
    )
      this.#leave(1);
  }

  /** Asks who is there, if a use wants to know, or no more if none does. */
  #look(): void {
    if (this.#uses.size === 0) return;
    const isWanted = [...this.#uses].some((use) => use.isLooking);
    if (!isWanted) this.#members = undefined;
    if (isWanted === this.#isLooking || this.#owner.peerId === undefined || !(this.#asked || this.#isOn))
      return;
    this.#isLooking = isWanted;
    this.#owner.send(["p", this.name, Number(isWanted)]);
  }

  /**
   * What to subscribe with: the need of the use that waits and is the furthest on, null for "now". The others are asked for one after the
   * other, down to the furthest behind: so the service has been asked about each position when it is skipped to.
   */
  ask(): Position {
    const uses = [...this.#uses];
    const waiting = uses.filter(isWaiting);
    // Who only looks at who is there needs no messages.
    const isIdle = waiting.length === 0 && uses.some((use) => use.isLooking);
    const needs = isIdle ? [undefined] : (waiting.length > 0 ? waiting : uses).map(({ need }) => need);
    const need = needs.reduce((one, other) => (isBefore(one, other) ? other : one));
    this.#asked = { need };
    return need ?? null;
  }

  answered(state: SubscriptionState, at: Position | undefined, snapshot: unknown): void {
    const asked = this.#asked;
    if (state === "refused") {
      this.#isOn = this.#isLooking = false;
      this.#members?.lost();
      this.#setState(state);
    } else if (asked) {
      this.#isOn = true;
      this.#position = at ?? undefined;
      this.#setState("live");
      for (const use of [...this.#uses]) use.answered(asked.need, state, this.#position, snapshot);
    }
    this.#asked = undefined;
    this.changed();
  }

  message(at: Position, data: unknown): void {
    this.#came(at, (use, position) => use.message(position, data));
  }

  /** Messages up to this position are missing. */
  missed(at: Position, snapshot: unknown): void {
    this.#came(at, (use, position) => use.missed(position, snapshot));
  }

  /** The service has said who is there. */
  present(presence: Presence): void {
    if (this.#isLooking) this.#members?.received(presence);
  }

  #came(at: Position, tell: (use: TopicUse, position: string | undefined) => void): void {
    const wasVague = this.#isVague;
    this.#position = at ?? undefined;
    for (const use of [...this.#uses]) tell(use, this.#position);
    if (wasVague) this.changed();
  }

  /** Whether messages are about to come whose place is not known yet. Others are asked for when it is. */
  get #isVague(): boolean {
    return this.#isOn && isVague(this.#position);
  }

  /** The connection has ended. */
  lost(): void {
    this.#asked = undefined;
    this.#isOn = this.#isLooking = false;
    for (const use of this.#uses) use.stage = "off";
    this.#members?.lost();
    this.#setState("pending");
    this.changed();
  }

  /** The client is closed: ends all loops with the error. */
  end(error: Error): void {
    for (const use of this.#uses) use.end({ error });
  }

  /** @param pauses 1 where somebody goes on using the topic: that is no leave yet */
  #leave(pauses?: 1): void {
    this.#isOn = this.#isLooking = false;
    this.#owner.send(pauses ? ["u", this.name, pauses] : ["u", this.name]);
  }

  #setState(state: TopicState): void {
    if (this.state === state) return;
    this.state = state;
    for (const use of [...this.#uses]) use.stateChanged();
  }
}

function isWaiting({ stage, isPaused }: TopicUse): boolean {
  return stage === "off" && !isPaused;
}
