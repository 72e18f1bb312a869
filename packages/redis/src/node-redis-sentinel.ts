import { setMaxListeners } from "node:events";
import { createError } from "@spry-ws/core/adapter";
import { abortable } from "./abortable.ts";
import { type RedisBroker, singleServer } from "./broker.ts";
import { connectionOptions, connectNode, destroy } from "./node-redis-node.ts";
import { isSwitchOf, sentinelMs, switchChannel, switchedError, watchPauseMs } from "./sentinel.ts";
import type { NodeRedisLike, NodeRedisSentinelLike } from "./types.ts";

/** How long a master may be silent while it is connected to. Then the sentinels are asked again: it may be another server by then. */
const silenceMs = 1_000;

/** What is used of the options of `createSentinel`. */
interface SentinelOptions {
  readonly name: string;
  readonly sentinelRootNodes: readonly { readonly host: string; readonly port: number }[];
  readonly nodeClientOptions?: { readonly socket?: object };
  readonly sentinelClientOptions?: { readonly socket?: object };
}

interface FoundMaster {
  /** A client that is connected to the master. */
  readonly master: NodeRedisLike;
  /** Closes the connections that were needed to find it. */
  close(): void;
}

export function nodeRedisSentinelBroker(client: NodeRedisSentinelLike): RedisBroker {
  const options = optionsOf(client);
  return singleServer(async (_node, isSharded, events, signal) => {
    const { master, close } = await findMaster(client, options, signal);
    const switched = new AbortController();
    const onSwitch = () => switched.abort(switchedError());
    const stop = options ? watch(options, master, onSwitch) : watchOwn(client, onSwitch);
    try {
      const either = AbortSignal.any([signal, switched.signal]);
      const node = await connectNode(master, isSharded, events, either, stop);
      switched.signal.addEventListener("abort", () => events.lost(switched.signal.reason));
      return node;
    } finally {
      close();
    }
  });
}

/**
 * The options of the client. It keeps them private, but its `duplicate` hands them to its class. Undefined for version 5, which has no
 * `duplicate`.
 */
function optionsOf(client: NodeRedisSentinelLike): SentinelOptions | undefined {
  let options: SentinelOptions | undefined;
  class Duplicate {
    constructor(given: SentinelOptions) {
      options = given;
    }
  }
  const { _self } = client as { _self?: unknown };
  try {
    client.duplicate?.call(Object.create({ constructor: Duplicate }, { _self: { value: _self } }));
  } catch {
    // A later version may do this in another way. It is then treated like version 5.
  }
  return options;
}

/** Asks the sentinels with a new client, which gives up sooner than the user's. */
async function findMaster(
  client: NodeRedisSentinelLike,
  options: SentinelOptions | undefined,
  signal: AbortSignal,
): Promise<FoundMaster> {
  if (!client.duplicate || !options) return findOwnMaster(client, signal);
  const ended = new AbortController();
  // Each connection adds a listener, and that is no leak.
  setMaxListeners(0, ended.signal);
  const timeouts = { connectTimeout: sentinelMs, socketTimeout: silenceMs };
  const socket = { ...timeouts, reconnectStrategy: false, signal: ended.signal };
  const { nodeClientOptions, sentinelClientOptions } = options;
  const sentinel = client.duplicate({
    nodeClientOptions: { ...nodeClientOptions, socket: { ...nodeClientOptions?.socket, ...socket } },
    sentinelClientOptions: {
      ...sentinelClientOptions,
      socket: { ...sentinelClientOptions?.socket, ...socket },
    },
    masterPoolSize: 1,
    replicaPoolSize: 0,
    maxCommandRediscovers: 0,
    scanInterval: 0,
    reserveClient: false,
    clientSideCache: undefined,
    passthroughClientErrorEvents: true,
  });
  let reason: unknown;
  sentinel.on("error", (error: unknown) => {
    reason = error;
  });
  const close = () => {
    sentinel.destroy().catch(() => {});
    ended.abort();
  };
  const found = sentinel.connect().then(
    () => masterOf(sentinel),
    (error: unknown) => {
      throw reason ?? error;
    },
  );
  return { master: await abortable(signal, found, close), close };
}

/** Asks the user's client, which knows the master if it is connected. */
async function findOwnMaster(client: NodeRedisSentinelLike, signal: AbortSignal): Promise<FoundMaster> {
  if (!client.isOpen) {
    throw createError(
      "SPRY_WS_BACKPLANE",
      "a sentinel of node-redis 5 has no duplicate(): connect() it, as the backplane asks it for the master, or use version 6",
    );
  }
  return { master: await abortable(signal, masterOf(client), () => {}), close() {} };
}

async function masterOf(sentinel: NodeRedisSentinelLike): Promise<NodeRedisLike> {
  // In an object, because a client has a method for every command of its modules: with one named `then` it would pass for a promise.
  const { client } = await sentinel._execute(false, async (client) => ({ client }));
  return client;
}

/** Calls back when a sentinel tells of a new master. @returns stops it */
function watch(options: SentinelOptions, template: NodeRedisLike, onSwitch: () => void): () => void {
  const ended = new AbortController();
  setMaxListeners(0, ended.signal);
  const { name, sentinelRootNodes, sentinelClientOptions } = options;
  const watchers = sentinelRootNodes.map(({ host, port }) => {
    const watcher = template.duplicate({
      ...connectionOptions,
      username: undefined,
      password: undefined,
      credentialsProvider: undefined,
      database: undefined,
      ...sentinelClientOptions,
      socket: {
        ...sentinelClientOptions?.socket,
        host,
        port,
        socketTimeout: undefined,
        reconnectStrategy: watchPauseMs,
        signal: ended.signal,
      },
    });
    watcher.on("error", () => {});
    const onMessage = (message: Buffer) => {
      if (isSwitchOf(name, message)) onSwitch();
    };
    // Once connected, the client reconnects and subscribes again by itself.
    watcher
      .connect()
      .then(() => watcher.subscribe([switchChannel], onMessage, true))
      .catch(() => {});
    return watcher;
  });
  return () => {
    for (const watcher of watchers) destroy(watcher);
    ended.abort();
  };
}

/** Calls back when the user's client tells of a new master. @returns stops it */
function watchOwn(client: NodeRedisSentinelLike, onSwitch: () => void): () => void {
  const onChange = ({ type }: { readonly type?: string }) => {
    if (type === "MASTER_CHANGE") onSwitch();
  };
  client.on("topology-change", onChange);
  return () => void client.off("topology-change", onChange);
}
