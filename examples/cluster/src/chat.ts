import type { History } from "@spry-ws/core";
import { type SpryWs, useRequestURI } from "@spry-ws/core";
import { createService, type Published } from "@spry-ws/service";
import { chat, type Framework, Key, Name } from "./contract.ts";
import { killProcess, processes } from "./launcher.ts";
import { untilStored } from "./until-stored.ts";

/** The service does not know how many processes there are: a topic is a topic. */
export function createChat(spry: SpryWs, history: History, framework: Framework) {
  const service = createService(spry, chat, {
    upgrade(event) {
      const { searchParams } = useRequestURI(event);
      const [name, key] = [Name.safeParse(searchParams.get("name")), Key.safeParse(searchParams.get("key"))];
      if (!name.success) return new Response("A name has 1 to 24 characters.\n", { status: 400 });
      if (!key.success) return new Response("A key has 16 to 64 letters, digits, - or _.\n", { status: 400 });
      return { context: { name: name.data, key: key.data } };
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
    topics: {
      lines: {
        subscribe: true,
        presence: ({ context: { name, key } }) => ({ key, data: { name, framework } }),
      },
    },
  });
  return service;
}
