import { connect } from "@nats-io/transport-node";
import type { Backplane } from "@spry-ws/core";
import { nats } from "@spry-ws/nats";
import { redis } from "@spry-ws/redis";
import { Redis } from "ioredis";

/** The app's own client, for whatever else it does with the broker; the backplane uses it, and never closes it. */
export interface Broker {
  readonly backplane: Backplane;
  close(): Promise<void>;
}

/**
 * @param url `redis://…`, `rediss://…` or `nats://…`
 * @throws if there is no NATS server at the url; an absent Redis is reported by `spry.ready()`
 */
export async function openBroker(url: string): Promise<Broker> {
  if (/^rediss?:/.test(url)) {
    const client = new Redis(url);
    // Without a listener ioredis writes every attempt to reconnect to the console.
    client.on("error", () => {});
    return { backplane: redis({ client }), close: async () => client.disconnect() };
  }
  if (!/^(nats|tls):/.test(url))
    throw new Error(`The broker's URL begins with redis:// or nats://, not as ${url}`);
  const connection = await connect({ servers: url, maxReconnectAttempts: -1 });
  return { backplane: nats({ connection }), close: () => connection.close() };
}
