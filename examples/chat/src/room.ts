import type { History } from "@spry-ws/core";
import type { TopicPublisher } from "@spry-ws/service";
import type { chat, News, Person, Place, Welcome } from "./contract.ts";

/** Who is here, and the log of what was said. */
export class Room {
  /** One for all three services, which share its topics. */
  readonly history: History;
  readonly #places: Place[];
  readonly #services: TopicPublisher<typeof chat>[] = [];
  /** By id. Someone with several pages open is here once. */
  readonly #people = new Map<string, { person: Person; pages: number }>();

  /** @param places where the room can be entered */
  constructor(places: readonly Place[], history: History) {
    this.#places = [...places];
    this.history = history;
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

  welcome(you: Person): Welcome {
    const people = [...this.#people.values()].map(({ person }) => person);
    return { you, at: Date.now(), people, places: this.#places };
  }

  type(person: Person): void {
    this.#tell({ type: "typing", person });
  }

  /**
   * Everyone. Each framework's instance has its own peers and its own topics without a log, so a room across all of them publishes
   * through each; with one server, there is one service.
   */
  #tell(news: News): void {
    for (const service of this.#services) service.publish("room", {}, news);
  }
}
