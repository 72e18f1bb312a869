import { abortable } from "./abortable.ts";
import {
  type ChannelMessage,
  isKnownCommand,
  isReplica,
  type RedisNode,
  type RedisNodeEvents,
} from "./broker.ts";
import type { NodeRedisLike } from "./types.ts";

/**
 * Options that replace those of the user's client, which are meant for its own connections. The client must neither keep commands
 * back nor send any again by itself: RedisNode says why.
 */
export const connectionOptions = {
  disableOfflineQueue: true,
  // The instance bounds what waits.
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

/** Of a command whose answer may have any bytes: strings (in RESP "$", which is 36) come as Buffers. */
const buffers = { typeMapping: { 36: Buffer } };

/** @param onClose called when the node is closed, or could not be connected */
export async function connectNode(
  template: NodeRedisLike,
  isSharded: boolean,
  events: RedisNodeEvents,
  signal: AbortSignal,
  onClose: () => void = () => {},
): Promise<RedisNode> {
  let isReady = false;
  const ended = new AbortController();
  const socket = {
    ...template.options?.socket,
    reconnectStrategy: false,
    // A timeout would close a connection that is subscribed to a quiet topic.
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
    onClose();
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
      // The client writes all commands of one tick together.
      await Promise.all(
        messages.map((message) =>
          publisher
            .sendCommand([command, message.channel, message.data])
            .catch((error: unknown) => refused.set(message, error)),
        ),
      );
      return refused;
    },
    run(commands) {
      return Promise.all(
        commands.map((command) =>
          publisher.sendCommand([...command], buffers).catch((error: unknown) => error as Error),
        ),
      );
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
 * Version 5 throws for a client that is closed already. The client does not know a socket that is still connecting: the `signal` in
 * the options of each socket ends that one.
 */
export function destroy(client: { destroy(): void }): void {
  try {
    client.destroy();
  } catch {}
}
