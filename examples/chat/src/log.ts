import type { History } from "@spry-ws/core";
import { redisHistory } from "@spry-ws/redis";
import { memoryHistory } from "@spry-ws/service";
import { Redis } from "ioredis";

/** Where what was said is kept. */
export interface Log {
  readonly history: History;
  close(): void;
}

/** In Redis at `REDIS_URL`, where it outlives this process; otherwise in memory, where a restart forgets it. */
export function openLog(env: NodeJS.ProcessEnv): Log {
  const url = env["REDIS_URL"];
  if (!url) return { history: memoryHistory(), close() {} };
  const client = new Redis(url);
  // Without a listener ioredis writes every attempt to reconnect to the console; the service reports an outage once.
  client.on("error", () => {});
  return { history: redisHistory({ client, prefix: "spry-ws-chat:" }), close: () => client.disconnect() };
}
