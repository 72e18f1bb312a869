import { defineHooks, type Hooks, Message, type SpryWs } from "@spry-ws/express";
import type { State } from "./protocol.ts";

const topic = "clicks";

/** Counts the clicks of all pages. */
export function clicks(spry: SpryWs): Hooks {
  let count = 0;

  function publish(): void {
    const state: State = { clicks: count, people: spry.peers.size };
    spry.publish(topic, Message.json(state));
  }

  return defineHooks<unknown>({
    open(peer) {
      peer.subscribe(topic);
      publish();
    },
    message(peer, message) {
      if (message.text() !== "click") return void peer.close(1008, "not a click");
      count++;
      publish();
    },
    close() {
      publish();
    },
  });
}
