import { createHash, randomUUID } from "node:crypto";
import { defineHooks, Message, type SpryWsOptions, useRequestURI, useSubprotocolToken } from "@spry-ws/core";
import { Budget } from "./budget.ts";
import {
  type Framework,
  maxNameLength,
  parseClientMessage,
  parseName,
  type ServerMessage,
  subprotocol,
} from "./protocol.ts";
import type { Room } from "./room.ts";

/**
 * What ends a connection: a longer message with 1009, more of them in a second with 1008. What a page may say and type in a second
 * is much less, and going beyond that is answered instead: nobody is to lose what they wrote.
 */
export const options: SpryWsOptions = {
  // JSON may take 6 bytes for one of the 1000 characters of a text: `\u0000`.
  maxPayload: 8_192,
  rateLimit: { messages: 50 },
};
const saysPerSecond = 10;
/** A page tells it once for each message, and every two seconds while one is written. */
const typingPerSecond = 10;

const json = (message: ServerMessage) => Message.json(message);

/** The hooks of the chat. The same for every framework, which they know only to show it next to the name. */
export const chat = (room: Room, framework: Framework) =>
  defineHooks({
    upgrade(event) {
      const name = parseName(useRequestURI(event).searchParams.get("name"));
      if (!name) return new Response(`A name has 1 to ${maxNameLength} characters.\n`, { status: 400 });
      const { token, protocol } = useSubprotocolToken(event, "key.");
      return {
        protocol: protocol === subprotocol ? protocol : undefined,
        context: {
          person: { id: personId(token), name, framework },
          saying: new Budget(saysPerSecond),
          typing: new Budget(typingPerSecond),
        },
      };
    },

    open(peer) {
      // The welcome before the subscription: whatever the room says next finds a page that knows who is here.
      peer.send(json(room.join(peer.context.person)));
      peer.subscribe(room.topic);
    },

    message(peer, message) {
      const { person, saying, typing } = peer.context;
      const request = parseClientMessage(message);
      switch (request.type) {
        case "say": {
          const { id, text } = request;
          const remark = room.find(person.id, id);
          // It has come before, and the page does not know: that was lost with a connection.
          if (remark) peer.send(json({ type: "said", remark }));
          else if (saying.spend()) room.say(person, id, text);
          else peer.send(json({ type: "refused", id, reason: "The room cannot read as fast as you write." }));
          break;
        }
        case "typing":
          // Too often is left out: the others know already.
          if (typing.spend()) room.type(person);
          break;
        case "invalid":
          peer.send(
            json(
              request.id === undefined
                ? { type: "error", reason: request.reason }
                : { type: "refused", id: request.id, reason: request.reason },
            ),
          );
      }
    },

    close(peer) {
      room.leave(peer.context.person);
    },
  });

/**
 * A browser has a secret key, by which it is known again after a reload; what others see of it is a hash, with which nobody can
 * pretend to be this person. A client without a key is somebody else each time.
 */
function personId(key: string | undefined): string {
  return key ? createHash("sha256").update(key).digest("base64url") : randomUUID();
}
