import { type RedisBroker, singleServer } from "./broker.ts";
import { connectionOptions, connectNode, disconnect } from "./ioredis-node.ts";
import { isSwitchOf, sentinelMs, switchChannel, switchedError, watchPauseMs } from "./sentinel.ts";
import type { IoRedisLike } from "./types.ts";

/** The client asks one sentinel after the other, once, for the master. */
const sentinelOptions = {
  role: "master",
  sentinelRetryStrategy: null,
  sentinelCommandTimeout: sentinelMs,
  // `watch` does this instead: the client would print the errors of these connections.
  failoverDetector: false,
};

export function ioredisSentinelBroker(client: IoRedisLike): RedisBroker {
  return singleServer(async (_node, isSharded, events, signal) => {
    const switched = new AbortController();
    const either = AbortSignal.any([signal, switched.signal]);
    const stop = watch(client, () => switched.abort(switchedError()));
    const node = await connectNode(client, isSharded, events, either, sentinelOptions, stop);
    switched.signal.addEventListener("abort", () => events.lost(switched.signal.reason));
    return node;
  });
}

/** Calls back when a sentinel tells of a new master. @returns stops it */
function watch(client: IoRedisLike, onSwitch: () => void): () => void {
  const { name, sentinels, sentinelUsername, sentinelPassword, sentinelTLS } = client.options;
  const watchers = (sentinels ?? []).map(({ host = "localhost", port = 26_379 }) => {
    const watcher = client.duplicate({
      ...connectionOptions,
      sentinels: null,
      Connector: undefined,
      path: undefined,
      host,
      port,
      username: sentinelUsername ?? null,
      password: sentinelPassword ?? null,
      tls: sentinelTLS,
      db: 0,
      enableReadyCheck: false,
      // This connection waits for a sentinel that is away, and then subscribes again.
      enableOfflineQueue: true,
      autoResubscribe: true,
      maxRetriesPerRequest: null,
      retryStrategy: () => watchPauseMs,
    });
    watcher.on("error", () => {});
    watcher.on("messageBuffer", (_channel, message) => {
      if (isSwitchOf(name, message)) onSwitch();
    });
    watcher.subscribe(switchChannel).catch(() => {});
    return watcher;
  });
  return () => {
    for (const watcher of watchers) disconnect(watcher);
  };
}
