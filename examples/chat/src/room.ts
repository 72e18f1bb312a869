import { type Backplane, type History, memoryBackplane } from "@spry-ws/core";
import { redis, redisHistory } from "@spry-ws/redis";
import { memoryHistory } from "@spry-ws/service";
import { Redis } from "ioredis";
import type { Place } from "./contract.ts";

/** What the instances of the three frameworks share. */
export interface Room {
  /** Where it can be entered. */
  readonly places: readonly Place[];
  /** Where what was said is kept. */
  readonly history: History;
  /** What joins them: who is here, and who is typing. */
  readonly backplane: Backplane;
  close(): void;
}

/** In Redis at `REDIS_URL`, where what was said outlives this process; otherwise in memory, where a restart forgets it. */
export function openRoom(places: readonly Place[], env: NodeJS.ProcessEnv): Room {
  const url = env["REDIS_URL"];
  if (!url) return { places, history: memoryHistory(), backplane: memoryBackplane(), close() {} };
  const client = new Redis(url);
  // Without a listener ioredis writes every attempt to reconnect to the console; the service reports an outage once.
  client.on("error", () => {});
  const prefix = "spry-ws-chat:";
  return {
    places,
    history: redisHistory({ client, prefix }),
    backplane: redis({ client, prefix }),
    close: () => client.disconnect(),
  };
}
