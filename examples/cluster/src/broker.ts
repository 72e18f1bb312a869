import { connect } from "@nats-io/transport-node";
import type { Backplane, History } from "@spry-ws/core";
import { jetStreamHistory, nats } from "@spry-ws/nats";
import { redis, redisHistory } from "@spry-ws/redis";
import { Redis } from "ioredis";

/** The app's own client, for whatever else it does with the broker; backplane and history use it, and never close it. */
export interface Broker {
  /** Takes what is published to the other processes. */
  readonly backplane: Backplane;
  /** Keeps what is published to durable topics. */
  readonly history: History;
  close(): Promise<void>;
}

/** So that what another application keeps in the same broker is left alone. */
const prefix = "spry-ws-cluster";

/**
 * @param url `redis://…`, `rediss://…` or `nats://…`
 * @throws if there is no NATS server at the url; an absent Redis is reported by `spry.ready()`
 */
export async function openBroker(url: string): Promise<Broker> {
  if (/^rediss?:/.test(url)) {
    const client = new Redis(url);
    // Without a listener ioredis writes every attempt to reconnect to the console.
    client.on("error", () => {});
    return {
      backplane: redis({ client }),
      history: redisHistory({ client, prefix: `${prefix}:` }),
      close: async () => client.disconnect(),
    };
  }
  if (!/^(nats|tls):/.test(url))
    throw new Error(`The broker's URL begins with redis:// or nats://, not as ${url}`);
  const connection = await connect({ servers: url, maxReconnectAttempts: -1 });
  return {
    backplane: nats({ connection }),
    history: jetStreamHistory({ connection, prefix }),
    close: () => connection.close(),
  };
}
