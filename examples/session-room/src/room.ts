import { defineHooks, type Hooks, Message, type Peer, useExpressRequest } from "@spry-ws/express";
import { isLoggedIn, sessionLifetimeMs } from "./session.ts";

interface Member {
  readonly user: string;
  readonly sessionId: string;
}

/** What the page acts on: it shows the login again instead of trying to come back. */
const loggedOutCode = 4001;
const maxTextLength = 500;
const topic = "room";

/** A room for those who have logged in. Its sockets belong to their session, and end with it. */
export class Room {
  readonly #peersBySession = new Map<string, Set<Peer<Member>>>();

  readonly hooks: Hooks<Member> = defineHooks({
    upgrade: (event) => {
      const { session, sessionID } = useExpressRequest(event);
      if (!session.user) return new Response("Log in first.\n", { status: 401 });
      return {
        context: { user: session.user, sessionId: sessionID },
        expiresAt: Date.now() + sessionLifetimeMs,
      };
    },

    open: async (peer) => {
      this.#add(peer);
      // Who logs out while the handshake is under way is not in the set yet.
      if (!(await isLoggedIn(useExpressRequest(peer)))) return void peer.close(loggedOutCode, "logged out");
      peer.subscribe(topic);
      this.#say(peer, { type: "joined" });
    },

    message: (peer, message) => {
      const text = message.text().trim();
      if (text === "" || text.length > maxTextLength) {
        const reason = `A message has 1 to ${maxTextLength} characters.`;
        peer.send(Message.json({ type: "refused", reason }));
        return;
      }
      this.#say(peer, { type: "said", text });
    },

    close: (peer) => {
      this.#remove(peer);
      if (peer.topics.has(topic)) this.#say(peer, { type: "left" });
    },
  });

  /** Ends the sockets of a session that is no more. */
  logOut(sessionId: string): void {
    for (const peer of this.#peersBySession.get(sessionId) ?? [])
      void peer.close(loggedOutCode, "logged out");
  }

  /** To everyone: `publish` leaves out the peer it is called on, which is told that it is the one. */
  #say(peer: Peer<Member>, event: { type: "joined" | "left" } | { type: "said"; text: string }): void {
    const message = { ...event, user: peer.context.user };
    peer.send(Message.json({ ...message, isYours: true }));
    peer.publish(topic, Message.json(message));
  }

  #add(peer: Peer<Member>): void {
    const { sessionId } = peer.context;
    const peers = this.#peersBySession.get(sessionId) ?? new Set();
    this.#peersBySession.set(sessionId, peers.add(peer));
  }

  #remove(peer: Peer<Member>): void {
    const peers = this.#peersBySession.get(peer.context.sessionId);
    peers?.delete(peer);
    if (peers?.size === 0) this.#peersBySession.delete(peer.context.sessionId);
  }
}
