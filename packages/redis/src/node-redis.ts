import { setMaxListeners } from "node:events";
import { abortable } from "./abortable.ts";
import {
  type ChannelMessage,
  isKnownCommand,
  isReplica,
  type RedisBroker,
  type RedisLayout,
  type RedisNode,
  type RedisNodeEvents,
  singleServer,
} from "./broker.ts";
import type { NodeRedisClusterLike, NodeRedisLike, NodeRedisNodeLike } from "./types.ts";

/**
 * Options of the user's client that are for its own connections. No command waits in the client, and none is sent again by it:
 * RedisNode says why.
 */
const connectionOptions = {
  disableOfflineQueue: true,
  // What waits is bounded by the instance.
  commandsQueueMaxLength: undefined,
  commandOptions: { timeout: undefined },
  pingInterval: undefined,
  keyPrefix: undefined,
  clientSideCache: undefined,
  emitInvalidate: false,
  readonly: false,
  // The client would move to another server by itself.
  maintNotifications: "disabled",
};

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

/** Asks the cluster with a client of its own: what the user's one remembers may be out of date. */
async function locate(client: NodeRedisClusterLike, signal: AbortSignal): Promise<RedisLayout> {
  const ended = new AbortController();
  // One listener for each server is no leak.
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

async function connectNode(
  template: NodeRedisLike,
  isSharded: boolean,
  events: RedisNodeEvents,
  signal: AbortSignal,
): Promise<RedisNode> {
  let isReady = false;
  const ended = new AbortController();
  const socket = {
    ...template.options?.socket,
    reconnectStrategy: false,
    // It ends a connection on which nothing happens, as on one that is subscribed to a quiet topic.
    socketTimeout: undefined,
    signal: ended.signal,
  };
  const duplicate = () => template.duplicate({ ...connectionOptions, socket });
  const connections = [duplicate(), duplicate()] as const;
  const [publisher, subscriber] = connections;
  const close = () => {
    isReady = false;
    for (const connection of connections) destroy(connection);
    ended.abort();
  };
  for (const connection of connections) {
    connection.on("error", (error: unknown) => {
      if (!isReady) return;
      if (connection.isReady) events.error(error);
      else events.lost(error);
    });
  }
  const connected = connections.map((connection) => connection.connect());
  await abortable(signal, Promise.all(connected), close);
  isReady = true;

  subscriber.on("sharded-channel-moved", () => events.moved());
  const command = isSharded ? "SPUBLISH" : "PUBLISH";
  const onMessage = (data: Buffer, channel: Buffer) => events.message(channel, data);
  let isSubscribed = false;
  return {
    get isOpen() {
      return publisher.isReady && subscriber.isReady;
    },
    async publish(messages) {
      const refused = new Map<ChannelMessage, unknown>();
      // The client writes what it is given in one tick together.
      await Promise.all(
        messages.map((message) =>
          publisher
            .sendCommand([command, message.channel, message.data])
            .catch((error: unknown) => refused.set(message, error)),
        ),
      );
      return refused;
    },
    async subscribe(channels) {
      isSubscribed = true;
      if (isSharded) await subscriber.sSubscribe([...channels], onMessage, true);
      else await subscriber.subscribe([...channels], onMessage, true);
    },
    async unsubscribe(channels) {
      if (isSharded) await subscriber.sUnsubscribe([...channels], onMessage, true);
      else await subscriber.unsubscribe([...channels], onMessage, true);
    },
    canShard: () => isKnownCommand(publisher.sendCommand(["SPUBLISH"])),
    async ping() {
      await Promise.all(connections.map((connection) => connection.sendCommand(["PING"])));
    },
    isReplica() {
      const asked = isSubscribed ? [publisher] : connections;
      return isReplica(asked.map((connection) => connection.sendCommand(["ROLE"])));
    },
    close,
  };
}

/**
 * Version 5 throws for a client that is closed already. A socket that is still connecting the client does not know: that is
 * what the signals are for, in the options of all sockets.
 */
function destroy(client: { destroy(): void }): void {
  try {
    client.destroy();
  } catch {}
}
