import { setMaxListeners } from "node:events";
import { abortable } from "./abortable.ts";
import { type RedisBroker, type RedisLayout, singleServer } from "./broker.ts";
import { connectNode, destroy } from "./node-redis-node.ts";
import type { NodeRedisClusterLike, NodeRedisLike, NodeRedisNodeLike } from "./types.ts";

/** What is used of the options of a cluster's client. */
interface ClusterOptions {
  readonly defaults?: { readonly socket?: object };
}

export function nodeRedisBroker(client: NodeRedisLike): RedisBroker {
  return singleServer((_node, ...rest) => connectNode(client, ...rest));
}

export function nodeRedisClusterBroker(client: NodeRedisClusterLike): RedisBroker {
  return { isCluster: true, locate: (signal) => locate(client, signal) };
}

/** Asks the cluster with a new client: what the user's client remembers may be out of date. */
async function locate(client: NodeRedisClusterLike, signal: AbortSignal): Promise<RedisLayout> {
  const ended = new AbortController();
  // The connection to each server adds a listener, and that is no leak.
  setMaxListeners(0, ended.signal);
  const { defaults } = Object((client as { _options?: ClusterOptions })._options) as ClusterOptions;
  const cluster = client.duplicate({
    minimizeConnections: true,
    defaults: { ...defaults, socket: { ...defaults?.socket, signal: ended.signal } },
  });
  const close = () => {
    destroy(cluster);
    ended.abort();
  };
  let reason: unknown;
  cluster.on("error", (error: unknown) => {
    reason = error;
  });
  const connected = cluster.connect().catch((error: unknown) => {
    throw reason ?? error;
  });
  await abortable(signal, connected, close);
  const { slots } = cluster;
  const masters = new Map<string, NodeRedisNodeLike>();
  for (const slot of slots) if (slot) masters.set(slot.master.address, slot.master);
  return {
    nodes: [...masters.keys()],
    ownerOf: (slot) => slots[slot]?.master.address,
    async connect(name, isSharded, events, signal) {
      const template = Promise.resolve(cluster.nodeClient(masters.get(name) as never));
      return connectNode(await abortable(signal, template, close), isSharded, events, signal);
    },
    close,
  };
}
