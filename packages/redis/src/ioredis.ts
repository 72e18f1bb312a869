import { abortable } from "./abortable.ts";
import { type RedisBroker, type RedisLayout, singleServer } from "./broker.ts";
import { connectNode, ignoreErrors } from "./ioredis-node.ts";
import type { IoRedisClusterLike, IoRedisLike } from "./types.ts";

export function ioredisBroker(client: IoRedisLike): RedisBroker {
  return singleServer((_node, ...rest) => connectNode(client, ...rest));
}

export function ioredisClusterBroker(client: IoRedisClusterLike): RedisBroker {
  return { isCluster: true, locate: (signal) => locate(client, signal) };
}

/** Asks the cluster with a new client: what the user's client remembers may be out of date. */
async function locate(client: IoRedisClusterLike, signal: AbortSignal): Promise<RedisLayout> {
  const cluster = client.duplicate([], {
    lazyConnect: true,
    shardedSubscribers: false,
    clusterRetryStrategy: null,
    keyPrefix: "",
  });
  let reason: unknown;
  cluster.on("error", (error: Error & { lastNodeError?: unknown }) => {
    reason = error.lastNodeError ?? error;
  });
  cluster.on("node error", (error: Error) => {
    reason ??= error;
  });
  const connected = new Promise<unknown>((resolve, reject) => {
    const fail = (error: Error) => reject(reason ?? error);
    // `connect` never settles when the cluster can be reached but does not serve all slots.
    cluster.on("end", () => fail(new Error("the cluster does not serve all slots")));
    cluster.connect().then(resolve, fail);
  });
  const close = () => {
    for (const node of cluster.nodes()) ignoreErrors(node);
    cluster.disconnect();
  };
  await abortable(signal, connected, close);
  const { slots } = cluster;
  const masters = new Map(
    cluster.nodes("master").map((node) => [`${node.options.host}:${node.options.port}`, node]),
  );
  return {
    nodes: [...new Set(slots.flatMap((nodes) => nodes.slice(0, 1)))],
    ownerOf: (slot) => slots[slot]?.[0],
    async connect(name, ...rest) {
      const node = masters.get(name);
      if (!node) throw new Error(`${name} is not a master of the cluster`);
      return connectNode(node, ...rest);
    },
    close,
  };
}
