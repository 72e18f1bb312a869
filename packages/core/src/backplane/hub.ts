import type { BackplaneEvents, BackplaneLink, BackplaneMessage } from "../backplane.ts";

/** Whoever gets messages from a hub. */
export interface HubMember {
  deliver(messages: readonly BackplaneMessage[]): void;
}

/** A broker in a few lines: who is subscribed to what, and who gets which message. */
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

  /** Every other member that wants any of the messages gets them in one call. */
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
    // Not at once: the publisher's own turn comes first, as with every other backplane.
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
