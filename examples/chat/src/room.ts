import { randomUUID } from "node:crypto";
import { Message, type SpryWs } from "@spry-ws/core";
import type { Person, Place, Remark, ServerMessage } from "./protocol.ts";

/** How much of what was said someone who joins gets to read. */
const historyLength = 50;

/** Who is here and what was said, in memory. */
export class Room {
  readonly topic = "room";
  readonly #places: readonly Place[];
  readonly #instances: SpryWs[] = [];
  readonly #people = new Map<string, Person>();
  readonly #history: Remark[] = [];

  /** @param places where the room can be entered */
  constructor(places: readonly Place[]) {
    this.#places = places;
  }

  /** Makes the peers of one more framework part of the room. */
  include(instance: SpryWs): void {
    this.#instances.push(instance);
  }

  /** Lets someone in, tells the others, and returns the welcome to be sent to the new person. */
  join(person: Person): ServerMessage {
    this.#people.set(person.id, person);
    this.#publish({ type: "joined", person });
    return {
      type: "welcome",
      you: person,
      people: [...this.#people.values()],
      history: this.#history,
      places: this.#places,
    };
  }

  leave(id: string): void {
    const person = this.#people.get(id);
    if (!person) return;
    this.#people.delete(id);
    this.#publish({ type: "left", person });
  }

  say(id: string, text: string): void {
    const person = this.#people.get(id);
    if (!person) return;
    const remark = { id: randomUUID(), person, text, at: Date.now() };
    this.#history.push(remark);
    if (this.#history.length > historyLength) this.#history.shift();
    this.#publish({ type: "said", remark });
  }

  type(id: string): void {
    const person = this.#people.get(id);
    if (person) this.#publish({ type: "typing", person });
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
