import { defineHooks, Message, useRequestURI } from "@spry-ws/core";

export type Framework = "express" | "fastify" | "koa";

/** What a page gets. */
interface Said {
  readonly name: string;
  readonly framework: Framework;
  readonly text: string;
}

const room = "room";
const maxNameLength = 24;
const maxTextLength = 1_000;

/** The hooks do not know how many processes there are: a topic is a topic. */
export const chat = (framework: Framework) =>
  defineHooks({
    upgrade(event) {
      const name = useRequestURI(event).searchParams.get("name")?.trim();
      if (!name || name.length > maxNameLength) {
        return new Response(`A name has 1 to ${maxNameLength} characters.\n`, { status: 400 });
      }
      return { context: { name } };
    },

    open(peer) {
      peer.subscribe(room);
      const text = "joined";
      peer.publish(room, Message.json({ name: peer.context.name, framework, text } satisfies Said));
      peer.send(Message.json({ name: "You", framework, text } satisfies Said));
    },

    message(peer, message) {
      const text = message.text().trim();
      if (text === "" || text.length > maxTextLength) return;
      const said = Message.json({ name: peer.context.name, framework, text } satisfies Said);
      peer.send(said);
      peer.publish(room, said);
    },
  });
