import { Message, type SpryWs } from "@spry-ws/core";
import type { Person, Place, Remark, ServerMessage } from "./protocol.ts";

/** How much of what was said someone who joins gets to read. */
const historyLength = 50;
/** How much of it is kept, so that what a page sends again is not said twice. */
const keptLength = 1_000;

/** Who is here and what was said, in memory. */
export class Room {
  readonly topic = "room";
  readonly #places: readonly Place[];
  readonly #instances: SpryWs[] = [];
  /** By id. Someone with several pages open is here once. */
  readonly #people = new Map<string, { person: Person; pages: number }>();
  /** By person and id, in the order in which they were said. */
  readonly #remarks = new Map<string, Remark>();

  /** @param places where the room can be entered */
  constructor(places: readonly Place[]) {
    this.#places = places;
  }

  /** Makes the peers of one more framework part of the room. */
  include(instance: SpryWs): void {
    this.#instances.push(instance);
  }

  /** Lets someone in, tells the others, and returns the welcome to be sent to the new page. */
  join(person: Person): ServerMessage {
    const here = this.#people.get(person.id);
    this.#people.set(person.id, { person, pages: (here?.pages ?? 0) + 1 });
    if (here?.person.name !== person.name) this.#publish({ type: "joined", person });
    return {
      type: "welcome",
      you: person,
      people: [...this.#people.values()].map((one) => one.person),
      history: [...this.#remarks.values()].slice(-historyLength),
      hasOlder: this.#remarks.size > historyLength,
      places: this.#places,
    };
  }

  /** Once for each `join`. */
  leave({ id }: Person): void {
    const here = this.#people.get(id);
    if (!here || --here.pages > 0) return;
    this.#people.delete(id);
    this.#publish({ type: "left", person: here.person });
  }

  /** What someone has said under this id. */
  find(personId: string, id: string): Remark | undefined {
    return this.#remarks.get(`${personId} ${id}`);
  }

  say(person: Person, id: string, text: string): void {
    const remark = { id, person, text, at: Date.now() };
    this.#remarks.set(`${person.id} ${id}`, remark);
    const [oldest] = this.#remarks.keys();
    if (this.#remarks.size > keptLength && oldest !== undefined) this.#remarks.delete(oldest);
    this.#publish({ type: "said", remark });
  }

  type(person: Person): void {
    this.#publish({ type: "typing", person });
  }

  /**
   * To everyone. Each framework's instance has its own peers and its own topics, so a room across all of them publishes
   * through each; with one server, `peer.publish(topic, data)` is all it takes.
   */
  #publish(message: ServerMessage): void {
    const data = Message.json(message);
    for (const instance of this.#instances) instance.publish(this.topic, data);
  }
}
