import { defineHooks, Message, type SpryWsOptions, useRequestURI } from "@spry-ws/core";
import { type Framework, maxNameLength, parseClientMessage, parseName } from "./protocol.ts";
import type { Room } from "./room.ts";

/** What one client may do. It is closed with 1009 for a longer message, with 1008 for more of them in a second. */
export const options: SpryWsOptions = {
  // JSON may take 6 bytes for one of the 1000 characters of a text: `\u0000`.
  maxPayload: 8_192,
  rateLimit: { messages: 20 },
};

/** The hooks of the chat. The same for every framework, which they know only to show it next to the name. */
export const chat = (room: Room, framework: Framework) =>
  defineHooks({
    upgrade(event) {
      const name = parseName(useRequestURI(event).searchParams.get("name"));
      if (!name) return new Response(`A name has 1 to ${maxNameLength} characters.\n`, { status: 400 });
      return { context: { name, framework } };
    },

    open(peer) {
      // The welcome before the subscription: whatever the room says next finds a page that knows who is here.
      peer.send(Message.json(room.join({ id: peer.id, ...peer.context })));
      peer.subscribe(room.topic);
    },

    message(peer, message) {
      const request = parseClientMessage(message);
      switch (request.type) {
        case "say":
          room.say(peer.id, request.text);
          break;
        case "typing":
          room.type(peer.id);
          break;
        case "invalid":
          peer.send(Message.json({ type: "error", reason: request.reason }));
      }
    },

    close(peer) {
      room.leave(peer.id);
    },
  });
