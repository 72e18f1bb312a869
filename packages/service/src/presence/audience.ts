import { changeFrames, countFrame, listFrames, type PresenceFrame } from "./frames.ts";
import type { PresenceChange, PresenceView } from "./view.ts";

/** One connection that wants to know who is there. */
export interface Looker {
  /** Something has changed about these keys: the frames say so. */
  changed(keys: readonly string[], frames: readonly PresenceFrame[]): void;
  /** The whole list is to be sent, or only the number. */
  renewed(): void;
}

/** How often those who look are told of another number, where names are not sent, in milliseconds. */
const countMs = 1_000;

/** Of how many of `maxMembers` names are sent again, after there were too many: not with each that leaves and comes. */
const namedAgain = 0.9;

/** All connections of this process that want to know who is there in one topic. Each frame is made once for all of them. */
export class Audience {
  readonly topic: string;
  readonly #view: PresenceView;
  readonly #maxMembers: number;
  readonly #lookers = new Set<Looker>();
  readonly #unused: () => void;
  readonly #stop: () => void;
  #isReady = false;
  #isNaming: boolean;
  /** The whole list, until something changes. */
  #list: readonly PresenceFrame[] | undefined;
  #countTimer: NodeJS.Timeout | undefined;

  /** @param unused called when nobody looks any more */
  constructor(topic: string, view: PresenceView, maxMembers: number, unused: () => void) {
    this.topic = topic;
    this.#view = view;
    this.#maxMembers = maxMembers;
    this.#unused = unused;
    this.#isNaming = view.count <= maxMembers;
    this.#stop = view.listen((change) => this.#changed(change));
    void view.ready().then(() => {
      this.#isReady = true;
      this.#tell((looker) => looker.renewed());
      this.#endUnused();
    });
  }

  /** Whether it is known who is there. Before that, nothing is sent: those whom other processes tell of later would all have joined. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether members are sent by name: there are not too many of them. */
  get isNaming(): boolean {
    return this.#isNaming;
  }

  /** How many members there are: a list of what has changed need not be longer. */
  get size(): number {
    return this.#view.count;
  }

  add(looker: Looker): void {
    this.#lookers.add(looker);
  }

  remove(looker: Looker): void {
    this.#lookers.delete(looker);
    this.#endUnused();
  }

  /** What to send to somebody who knows nothing yet. */
  get all(): readonly PresenceFrame[] {
    this.#list ??= this.#isNaming
      ? listFrames(this.topic, this.#view.members)
      : [countFrame(this.topic, this.#view.count)];
    return this.#list;
  }

  /** What to send to somebody who has missed what has become of some. */
  framesOf(keys: Iterable<string>): readonly PresenceFrame[] {
    return changeFrames(this.topic, this.#view.members, keys);
  }

  #changed({ joined, left, updated }: PresenceChange): void {
    this.#list = undefined;
    const { count } = this.#view;
    const wasNaming = this.#isNaming;
    this.#isNaming = count <= (wasNaming ? this.#maxMembers : this.#maxMembers * namedAgain);
    if (!this.#isReady) return;
    if (wasNaming && this.#isNaming) {
      const keys = [...joined, ...left, ...updated].map(({ key }) => key);
      const frames = this.framesOf(keys);
      this.#tell((looker) => looker.changed(keys, frames));
    } else if (wasNaming !== this.#isNaming) this.#tell((looker) => looker.renewed());
    else if (joined.length + left.length > 0) this.#tellCountSoon();
  }

  #tellCountSoon(): void {
    this.#countTimer ??= setTimeout(() => {
      this.#countTimer = undefined;
      if (!this.#isNaming) this.#tell((looker) => looker.renewed());
    }, countMs).unref();
  }

  #tell(tell: (looker: Looker) => void): void {
    for (const looker of [...this.#lookers]) tell(looker);
  }

  /** Not before it is ready: who looks again and again must not make a new one each time. */
  #endUnused(): void {
    if (this.#lookers.size > 0 || !this.#isReady) return;
    this.#stop();
    clearTimeout(this.#countTimer);
    this.#unused();
  }
}
