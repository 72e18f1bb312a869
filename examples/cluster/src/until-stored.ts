import { setTimeout as sleep } from "node:timers/promises";
import { ServiceError } from "@spry-ws/service";

/** How long a store may be away, as it is for a moment when the server has just started, before a line is not sent. */
const patienceMs = 10_000;
const retryMs = 200;

/**
 * Publishes to a durable topic, again while its store is away.
 *
 * @param publish under an id, so that it is stored once
 * @throws ServiceError `away` for the client
 */
export async function untilStored<T>(publish: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const endsAt = Date.now() + patienceMs;
  for (;;) {
    try {
      return await publish();
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      if (Date.now() > endsAt) throw new ServiceError("away", "The log cannot be reached.");
      await sleep(retryMs, undefined, { signal });
    }
  }
}

/** Not stored, or nobody knows. Either way it may be published again. */
function isStoreAway(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "SPRY_WS_NOT_PUBLISHED" || code === "SPRY_WS_MAYBE_PUBLISHED";
}
