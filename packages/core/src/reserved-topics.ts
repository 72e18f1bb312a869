import { createError } from "./errors.ts";

/** Services send over topics that begin so: messages to those whom they have allowed, and who is present. */
const reservedPrefix = "spry.";

/**
 * Plain hooks may take the name of a topic from a client, who must neither hear what a service sends nor say something in its name.
 *
 * @throws TypeError `SPRY_WS_TOPIC` for the name of a service's topic
 */
export function assertNotReserved(topic: unknown, caller: string): void {
  if (typeof topic !== "string" || !topic.startsWith(reservedPrefix)) return;
  throw createError(
    "SPRY_WS_TOPIC",
    `${caller}: names of topics that begin with "${reservedPrefix}" are those of services, not ${JSON.stringify(topic.slice(0, 64))}; ` +
      'put a prefix of your own before names that come from clients, like "room:"',
  );
}
