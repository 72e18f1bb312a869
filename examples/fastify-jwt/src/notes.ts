import {
  defineHooks,
  type Hooks,
  Message,
  type Peer,
  type SpryWs,
  useSubprotocolToken,
} from "@spry-ws/fastify";
import { parseMessage } from "./schemas.ts";
import type { Tokens } from "./tokens.ts";

const topic = "notes";
/** What the page asks for beside its token. */
const subprotocol = "notes.v1";

export interface Author {
  readonly name: string;
}

/** The hooks of `/notes`. */
export function notes(tokens: Tokens, spry: SpryWs): Hooks<Author> {
  return defineHooks({
    async upgrade(event) {
      const { token, protocol } = useSubprotocolToken(event);
      const user = token && (await tokens.verify(token));
      if (!user) {
        return new Response("A valid token is needed.\n", {
          status: 401,
          headers: { "WWW-Authenticate": "Bearer" },
        });
      }
      if (protocol !== subprotocol)
        return new Response(`The subprotocol is ${subprotocol}.\n`, { status: 400 });
      // When the token expires the peer is closed with 3000.
      return { protocol, context: { name: user.name }, expiresAt: user.expiresAt };
    },

    open(peer) {
      peer.subscribe(topic);
    },

    async message(peer, message) {
      const request = parseMessage(message);
      switch (request?.type) {
        case "add":
          publishNote(spry, peer.context.name, request.note);
          // Until then the page keeps the text: a connection that dies takes nothing with it.
          peer.send(Message.json({ type: "added" }));
          break;
        case "renew":
          await renew(peer, request.token);
          break;
        default:
          peer.send(Message.json({ type: "error", reason: "not a message of notes.v1" }));
      }
    },
  });

  /** The connection stays as it is: a token of another user does not change who this one is. */
  async function renew(peer: Peer<Author>, token: string): Promise<void> {
    const user = await tokens.verify(token);
    if (user?.name !== peer.context.name) {
      peer.send(Message.json({ type: "error", reason: "not a valid token of yours" }));
      return;
    }
    peer.renew(user.expiresAt);
    peer.send(Message.json({ type: "renewed", expiresAt: user.expiresAt }));
  }
}

/** From the WebSocket and from `POST /notes`, to everyone. */
export function publishNote(spry: SpryWs, author: string, { text }: { text: string }): void {
  spry.publish(topic, Message.json({ type: "note", author, text }));
}
