import { defineHooks, Message, useRequestURI } from "@spry-ws/core";

export type Framework = "express" | "fastify" | "koa";

/** What a page gets: what was said, or why its own message was not. */
type ServerMessage =
  | {
      readonly type: "said";
      readonly name: string;
      readonly framework: Framework;
      readonly text: string;
      /** Tells its sender that it has arrived. */
      readonly isYours?: true;
    }
  | { readonly type: "refused"; readonly reason: string };

const json = (message: ServerMessage) => Message.json(message);

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
      const joined = { type: "said", framework, text: "joined" } as const;
      peer.publish(room, json({ ...joined, name: peer.context.name }));
      peer.send(json({ ...joined, name: "You" }));
    },

    message(peer, message) {
      const text = message.text().trim();
      if (text === "" || text.length > maxTextLength) {
        const reason = `A message has 1 to ${maxTextLength} characters.`;
        peer.send(json({ type: "refused", reason }));
        return;
      }
      const said = { type: "said", name: peer.context.name, framework, text } as const;
      peer.send(json({ ...said, isYours: true }));
      peer.publish(room, json(said));
    },
  });
