import type { RedisLike } from "@spry-ws/redis";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { createClient, createCluster, createSentinel } from "redis";
import {
  createClient as createClient5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from "redis5";
import type { OwnBroker, SentinelSetup } from "../fixtures/brokers.ts";

/** A client as a user has it, connected or not. */
export interface UserClient {
  readonly client: RedisLike;
  /** Uses it for something. */
  use(): Promise<unknown>;
  dispose(): void;
}

export interface RedisLibrary {
  readonly name: string;
  connect(url: string): Promise<UserClient>;
  /** Not connected: the backplane makes connections of its own. */
  idle(url: string): UserClient;
  cluster(nodes: readonly OwnBroker[]): Promise<UserClient>;
  /** Connected only where it has to be. */
  sentinel(setup: SentinelSetup): Promise<UserClient>;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function addresses(servers: readonly OwnBroker[]): Address[] {
  return servers.map(({ port }) => ({ host: "127.0.0.1", port }));
}

type IoRedis = RedisLike & {
  get(key: string): Promise<unknown>;
  disconnect(): void;
  on(event: "error", listener: (error: Error) => void): unknown;
};
type NodeRedis = RedisLike & {
  connect(): Promise<unknown>;
  get(key: string): Promise<unknown>;
  destroy(): void;
  on(event: "error", listener: (error: Error) => void): unknown;
};

export const redisLibraries: RedisLibrary[] = [
  ioredis(
    "ioredis 5",
    (url, lazyConnect) => new Redis5(url, { lazyConnect }),
    (nodes) => new Cluster5(nodes),
    (options) => new Redis5(options),
  ),
  ioredis(
    "ioredis 6",
    (url, lazyConnect) => new Redis(url, { lazyConnect }),
    (nodes) => new Cluster(nodes),
    (options) => new Redis(options),
  ),
  nodeRedis(
    "node-redis 5",
    (url) => createClient5({ url }),
    (rootNodes) => createCluster5({ rootNodes }),
    async (options) => {
      const client = createSentinel5(options);
      client.on("error", () => {});
      await client.connect();
      return { client, use: () => client.get("nothing"), dispose: () => void client.destroy() };
    },
  ),
  nodeRedis(
    "node-redis 6",
    (url) => createClient({ url }),
    (rootNodes) => createCluster({ rootNodes }),
    async (options) => {
      const client = createSentinel(options);
      return { client, use: () => client.get("nothing"), dispose() {} };
    },
  ),
];

function ioredis(
  name: string,
  create: (url: string, lazyConnect: boolean) => IoRedis,
  cluster: (nodes: Address[]) => IoRedis,
  sentinel: (
    options: { sentinels: Address[]; lazyConnect: boolean } & Record<
      "name" | "password" | "sentinelPassword",
      string
    >,
  ) => IoRedis,
): RedisLibrary {
  const user = (client: IoRedis): UserClient => {
    client.on("error", () => {});
    return { client, use: () => client.get("nothing"), dispose: () => client.disconnect() };
  };
  return {
    name,
    connect: async (url) => user(create(url, false)),
    idle: (url) => user(create(url, true)),
    cluster: async (nodes) => user(cluster(addresses(nodes))),
    sentinel: async ({ sentinels, name, password, sentinelPassword }) =>
      user(
        sentinel({ sentinels: addresses(sentinels), name, password, sentinelPassword, lazyConnect: true }),
      ),
  };
}

function nodeRedis(
  name: string,
  create: (url: string) => NodeRedis,
  cluster: (rootNodes: { url: string }[]) => NodeRedis,
  sentinel: (options: {
    sentinelRootNodes: Address[];
    name: string;
    nodeClientOptions: { password: string };
    sentinelClientOptions: { password: string };
  }) => Promise<UserClient>,
): RedisLibrary {
  const user = (client: NodeRedis): UserClient => {
    client.on("error", () => {});
    return { client, use: () => client.get("nothing"), dispose: () => client.destroy() };
  };
  const connected = async (client: NodeRedis) => {
    await client.connect();
    return user(client);
  };
  return {
    name,
    connect: (url) => connected(create(url)),
    idle: (url) => ({ ...user(create(url)), dispose() {} }),
    cluster: (nodes) => connected(cluster(nodes.map(({ url }) => ({ url })))),
    sentinel: ({ sentinels, name, password, sentinelPassword }) =>
      sentinel({
        sentinelRootNodes: addresses(sentinels),
        name,
        nodeClientOptions: { password },
        sentinelClientOptions: { password: sentinelPassword },
      }),
  };
}
