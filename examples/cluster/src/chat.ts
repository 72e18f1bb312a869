import type { History } from "@spry-ws/core";
import { type SpryWs, useRequestURI } from "@spry-ws/core";
import { createService, type Published } from "@spry-ws/service";
import { chat, type Framework, Name } from "./contract.ts";
import { killProcess, processes } from "./launcher.ts";
import { untilStored } from "./until-stored.ts";

/** The service does not know how many processes there are: a topic is a topic. */
export function createChat(spry: SpryWs, history: History, framework: Framework) {
  const service = createService(spry, chat, {
    upgrade(event) {
      const name = Name.safeParse(useRequestURI(event).searchParams.get("name"));
      if (!name.success) return new Response("A name has 1 to 24 characters.\n", { status: 400 });
      return { context: { name: name.data } };
    },
    open(peer): void {
      service.publish("arrivals", {}, { name: peer.context.name, framework });
    },
    requests: {
      where: () => ({ framework, pid: process.pid, at: Date.now(), processes: processes() }),
      async say(peer, { id, text }, { signal }): Promise<Published> {
        const line = { id, name: peer.context.name, framework, text, at: Date.now() };
        return untilStored(() => service.publish("lines", {}, line, { id }), signal);
      },
    },
    // So that it can be seen what that costs. Nothing to have in an application.
    events: { kill: (_peer, { framework }) => killProcess(framework) },
    history,
    topics: { lines: { subscribe: true }, arrivals: { subscribe: true } },
  });
  return service;
}
