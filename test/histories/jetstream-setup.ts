import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { type JetStreamHistoryOptions, jetStreamHistory } from "@spry-ws/nats";
import { onTestFinished } from "vitest";
import { WatchedHistory } from "./watched-history.ts";

/** A connection that comes back soon, and is closed behind the test. */
export async function connected(servers: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const connection = await connect({
    servers,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 10,
    ...options,
  });
  onTestFinished(() => connection.close());
  return connection;
}

/** A link with a connection of its own, which is up. */
export async function opened(
  servers: string,
  options: Partial<JetStreamHistoryOptions> = {},
  connecting: ConnectionOptions = {},
): Promise<WatchedHistory> {
  const connection = await connected(servers, connecting);
  const link = new WatchedHistory(jetStreamHistory({ connection, ...options }));
  onTestFinished(() => link.link.close());
  await link.untilState("up");
  return link;
}

/** A request of the JetStream API, as an administrator sends it. @returns its answer, which may be an error */
export async function administer<T = unknown>(
  servers: string,
  name: string,
  body: object = {},
  connecting: ConnectionOptions = {},
): Promise<T> {
  const connection = await connect({ servers, ...connecting });
  try {
    const answer = await connection.request(`$JS.API.${name}`, JSON.stringify(body), { timeout: 5_000 });
    return answer.json<T>();
  } finally {
    await connection.close();
  }
}
