import type { BackplaneEvents, BackplaneLink, BackplaneMessage } from "../backplane.ts";

/** Whoever gets messages from a hub. */
export interface HubMember {
  deliver(messages: readonly BackplaneMessage[]): void;
}

/** A broker within this process: knows who is subscribed to what, and delivers messages. */
export class Hub<Member extends HubMember> {
  readonly #topics = new Map<string, Set<Member>>();

  subscribe(member: Member, topics: readonly string[]): void {
    for (const topic of topics) {
      const members = this.#topics.get(topic);
      if (members) members.add(member);
      else this.#topics.set(topic, new Set([member]));
    }
  }

  unsubscribe(member: Member, topics: Iterable<string>): void {
    for (const topic of topics) {
      const members = this.#topics.get(topic);
      members?.delete(member);
      if (members?.size === 0) this.#topics.delete(topic);
    }
  }

  leave(member: Member): void {
    this.unsubscribe(member, this.#topics.keys());
  }

  /** Delivers messages to all other members that are subscribed to their topics, in one call for each member. */
  publish(from: Member, messages: readonly BackplaneMessage[]): void {
    const deliveries = new Map<Member, BackplaneMessage[]>();
    for (const message of messages) {
      for (const member of this.#topics.get(message.topic) ?? []) {
        if (member === from) continue;
        const delivery = deliveries.get(member);
        if (delivery) delivery.push(message);
        else deliveries.set(member, [message]);
      }
    }
    for (const [member, delivery] of deliveries) member.deliver(delivery);
  }
}

/** The link of an instance that is in the same process as the hub. */
export function joinHub(hub: Hub<HubMember>, events: BackplaneEvents): BackplaneLink {
  let isOpen = true;
  const member: HubMember = {
    // In a later turn of the event loop, as with every other backplane: the publisher's own work of this turn comes first.
    deliver: (messages) =>
      setImmediate(() => {
        for (const { topic, data } of messages) if (isOpen) events.message(topic, data);
      }),
  };
  setImmediate(() => isOpen && events.up());
  return {
    publish: async (messages) => hub.publish(member, messages),
    subscribe: async (topics) => hub.subscribe(member, topics),
    unsubscribe: async (topics) => hub.unsubscribe(member, topics),
    async close() {
      isOpen = false;
      hub.leave(member);
    },
  };
}
