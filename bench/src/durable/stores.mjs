// Where the logs of a server process of `pnpm bench:durable` are: its first argument.
import { Redis } from "ioredis";
import { redisUrl } from "../servers/brokers.mjs";

/** Whatever is under it is removed before a measurement. */
export const PREFIX = "bench-durable:";

/**
 * @typedef {object} Store
 * @property {import("@spry-ws/service").History} history
 * @property {import("@spry-ws/core").Backplane} [backplane] on the same broker, for topics without a log
 */

/** @type {Record<string, () => Promise<Store>>} */
export const stores = {
  async memory() {
    const { memoryHistory } = await import("@spry-ws/service");
    return { history: memoryHistory({ maxBytes: 512 * 1_024 * 1_024 }) };
  },
  async redis() {
    const { redis, redisHistory } = await import("@spry-ws/redis");
    const client = new Redis(redisUrl);
    return {
      history: redisHistory({ client, prefix: PREFIX }),
      backplane: redis({ client, prefix: PREFIX }),
    };
  },
  /** At `BENCH_JETSTREAM_URL`, which `main.mjs` starts. */
  async jetstream() {
    const [{ connect }, { jetStreamHistory, nats }] = await Promise.all([
      import("@nats-io/transport-node"),
      import("@spry-ws/nats"),
    ]);
    const connection = await connect({ servers: process.env.BENCH_JETSTREAM_URL });
    return {
      history: jetStreamHistory({ connection, maxMessages: 1_000_000, maxBytes: 1_000_000_000 }),
      backplane: nats({ connection, prefix: "bench-ephemeral" }),
    };
  },
};

/** A history that counts how often its log is read. @param {import("@spry-ws/service").History} history */
export function counted(history) {
  const counts = { reads: 0 };
  return {
    counts,
    history: {
      name: history.name,
      open(events) {
        const link = history.open(events);
        return new Proxy(link, {
          get(target, key) {
            const member = target[key];
            if (typeof member !== "function") return member;
            if (key === "read") counts.reads++;
            return member.bind(target);
          },
        });
      },
    },
  };
}
