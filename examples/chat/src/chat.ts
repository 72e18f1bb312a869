import { createHash, randomUUID } from "node:crypto";
import { type SpryWs, type SpryWsOptions, useRequestURI, useSubprotocolToken } from "@spry-ws/core";
import { createService, type Published } from "@spry-ws/service";
import { chat, type Framework, maxNameLength } from "./contract.ts";
import { Pace } from "./pace.ts";
import type { Room } from "./room.ts";
import { readHeartbeatMs } from "./settings.ts";
import { untilStored } from "./until-stored.ts";

/** What ends a connection: a longer message with 1009, more of them in a second with 1008. A page sends neither. */
const options: SpryWsOptions = {
  // JSON may take 6 bytes for one of the 1000 characters of a text: `\u0000`.
  maxPayload: 8_192,
  rateLimit: { messages: 100 },
};
/** Of the instance of each framework: the backplane makes the rooms of all of them one. */
export const optionsIn = ({ backplane }: Room): SpryWsOptions => ({ ...options, backplane });

/** What is said faster waits. */
const saysPerSecond = 20;
/** How much of what was said is kept. Who was away for longer gets what there is, behind a gap. */
const kept = { maxMessages: 10_000, maxAgeMs: 24 * 60 * 60 * 1_000 };

/** Whoever is back by then, after a reload or a lost connection, has not been away. */
const graceMs = 3_000;

/** The service of the chat. The same for every framework, which it knows only to show it next to the name. */
export function createChat(spry: SpryWs, { history, places }: Room, framework: Framework) {
  const service = createService(spry, chat, {
    upgrade(event) {
      const name = parseName(useRequestURI(event).searchParams.get("name"));
      if (!name) return new Response(`A name has 1 to ${maxNameLength} characters.\n`, { status: 400 });
      const { token } = useSubprotocolToken(event);
      return { context: { person: { id: personId(token), name, framework }, pace: new Pace(saysPerSecond) } };
    },
    history,
    requests: {
      enter: (peer) => ({ you: peer.context.person, at: Date.now(), places: [...places] }),
      async say(peer, { id, text }, { signal }): Promise<Published> {
        const { person, pace } = peer.context;
        await pace.turn(signal);
        const remark = { id, person, text, at: Date.now() };
        // Every service has the log, so one publishes for all of them. What comes again under the same id is there once.
        const publish = () => service.publish("lines", {}, remark, { id: `${person.id} ${id}` });
        return untilStored(publish, signal);
      },
    },
    events: {
      typing(peer) {
        service.publish("room", {}, peer.context.person);
      },
    },
    topics: {
      room: {
        subscribe: true,
        presence: ({ context: { person } }) => ({ key: person.id, data: person }),
        graceMs,
      },
      lines: { subscribe: true, history: kept },
    },
    limits: { heartbeatMs: readHeartbeatMs(process.env) },
  });
  return service;
}

/** The name without the space around it, or undefined if it is none. */
function parseName(name: string | null): string | undefined {
  const trimmed = name?.trim().replace(/\s+/g, " ");
  return trimmed && trimmed.length <= maxNameLength && !/\p{Cc}/u.test(trimmed) ? trimmed : undefined;
}

/**
 * A browser has a secret key, by which it is known again after a reload; what others see of it is a hash, with which nobody can
 * pretend to be this person. A client without a key is somebody else each time.
 */
function personId(key: string | undefined): string {
  return key ? createHash("sha256").update(key).digest("base64url") : randomUUID();
}
