// The option `backplane`, if the server is one of several.
import { hasNats, hasRedis, natsUrl, redisUrl } from "./brokers.mjs";

/** @returns {Promise<Pick<import("@spry-ws/core").SpryWsOptions, "backplane">>} */
export async function spryBackplane() {
  if (hasRedis) {
    const [{ Redis }, { redis }] = await Promise.all([import("ioredis"), import("@spry-ws/redis")]);
    return { backplane: redis({ client: new Redis(redisUrl), prefix: "bench:" }) };
  }
  if (hasNats) {
    const [{ connect }, { nats }] = await Promise.all([
      import("@nats-io/transport-node"),
      import("@spry-ws/nats"),
    ]);
    return { backplane: nats({ connection: await connect({ servers: natsUrl }), prefix: "bench" }) };
  }
  return {};
}
