import type { TopicPublisher } from "@spry-ws/service";
import type { chat, News, Person, Place, Remark, Welcome } from "./contract.ts";

/** How much of what was said someone who joins gets to read. */
const historyLength = 50;
/** And how much someone who is back, to whom it closes the gap. */
const historyLengthOfReturn = 200;
/** How much of it is kept, so that what a page sends again is not said twice. */
const keptLength = 1_000;

/** Who is here and what was said, in memory. */
export class Room {
  readonly #places: Place[];
  readonly #services: TopicPublisher<typeof chat>[] = [];
  /** By id. Someone with several pages open is here once. */
  readonly #people = new Map<string, { person: Person; pages: number }>();
  /** By person and id, in the order in which they were said. */
  readonly #remarks = new Map<string, Remark>();

  /** @param places where the room can be entered */
  constructor(places: readonly Place[]) {
    this.#places = [...places];
  }

  /** Makes the pages of one more framework part of the room. */
  include(service: TopicPublisher<typeof chat>): void {
    this.#services.push(service);
  }

  /** Lets a page in, and tells the others where its person is new. */
  join(person: Person): void {
    const here = this.#people.get(person.id);
    this.#people.set(person.id, { person, pages: (here?.pages ?? 0) + 1 });
    if (here?.person.name !== person.name) this.#tell({ type: "joined", person });
  }

  /** Once for each `join`. */
  leave({ id }: Person): void {
    const here = this.#people.get(id);
    if (!here || --here.pages > 0) return;
    this.#people.delete(id);
    this.#tell({ type: "left", person: here.person });
  }

  welcome(you: Person, isBack: boolean): Welcome {
    const length = isBack ? historyLengthOfReturn : historyLength;
    return {
      you,
      people: [...this.#people.values()].map(({ person }) => person),
      history: [...this.#remarks.values()].slice(-length),
      hasOlder: this.#remarks.size > length,
      places: this.#places,
    };
  }

  /** Says it once, however often it comes. */
  say(person: Person, id: string, text: string): Remark {
    const key = `${person.id} ${id}`;
    const known = this.#remarks.get(key);
    if (known) return known;
    const remark = { id, person, text, at: Date.now() };
    this.#remarks.set(key, remark);
    const [oldest] = this.#remarks.keys();
    if (this.#remarks.size > keptLength && oldest !== undefined) this.#remarks.delete(oldest);
    this.#tell({ type: "said", remark });
    return remark;
  }

  type(person: Person): void {
    this.#tell({ type: "typing", person });
  }

  /**
   * Everyone. Each framework's instance has its own peers and its own topics, so a room across all of them publishes
   * through each; with one server, there is one service.
   */
  #tell(news: News): void {
    for (const service of this.#services) service.publish("room", {}, news);
  }
}
