import { setMaxListeners } from "node:events";
import { createError } from "@spry-ws/core/adapter";
import { abortable } from "./abortable.ts";
import { type RedisBroker, singleServer } from "./broker.ts";
import { connectionOptions, connectNode, destroy } from "./node-redis-node.ts";
import { hasSwitched, isSwitchOf, sentinelMs, switchChannel, watchPauseMs } from "./sentinel.ts";
import type { NodeRedisLike, NodeRedisSentinelLike } from "./types.ts";

/** A master that does not answer while it is connected to is asked for again: it may be another one by then. */
const silenceMs = 1_000;

/** What is used of the options of `createSentinel`. */
interface SentinelOptions {
  readonly name: string;
  readonly sentinelRootNodes: readonly { readonly host: string; readonly port: number }[];
  readonly nodeClientOptions?: { readonly socket?: object };
  readonly sentinelClientOptions?: { readonly socket?: object };
}

interface FoundMaster {
  /** A client that is connected to it. */
  readonly master: NodeRedisLike;
  /** Ends what was needed to find it. */
  close(): void;
}

export function nodeRedisSentinelBroker(client: NodeRedisSentinelLike): RedisBroker {
  const options = optionsOf(client);
  return singleServer(async (_node, isSharded, events, signal) => {
    const { master, close } = await findMaster(client, options, signal);
    const switched = new AbortController();
    const onSwitch = () => switched.abort(hasSwitched());
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

/** The client keeps its options to itself, but `duplicate` hands them to the class of the client. Version 5 has no `duplicate`. */
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
    // A later version may do it otherwise: then it is as with version 5.
  }
  return options;
}

/** With a client of its own, which is told to give up sooner than the user's. */
async function findMaster(
  client: NodeRedisSentinelLike,
  options: SentinelOptions | undefined,
  signal: AbortSignal,
): Promise<FoundMaster> {
  if (!client.duplicate || !options) return findOwnMaster(client, signal);
  const ended = new AbortController();
  // One listener for each connection is no leak.
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

/** The user's client knows it, if it is connected. */
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
  // A client may look like a promise: it has a method for every command of its modules.
  const { client } = await sentinel._execute(false, async (client) => ({ client }));
  return client;
}

/** @returns ends it */
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

/** The user's client is told of it too. @returns ends it */
function watchOwn(client: NodeRedisSentinelLike, onSwitch: () => void): () => void {
  const onChange = ({ type }: { readonly type?: string }) => {
    if (type === "MASTER_CHANGE") onSwitch();
  };
  client.on("topology-change", onChange);
  return () => void client.off("topology-change", onChange);
}
