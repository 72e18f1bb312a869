import { abortable } from "./abortable.ts";
import {
  type ChannelMessage,
  isKnownCommand,
  isReplica,
  type RedisNode,
  type RedisNodeEvents,
} from "./broker.ts";
import type { IoRedisLike } from "./types.ts";

/**
 * Options of the user's client that are for its own connections. No command waits in the client, and none is sent again by it:
 * RedisNode says why.
 */
export const connectionOptions = {
  lazyConnect: true,
  retryStrategy: null,
  reconnectOnError: null,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  // These would call lost what is only late; whether the server is there, `pingIntervalMs` finds out.
  commandTimeout: undefined,
  socketTimeout: undefined,
  keyPrefix: "",
  himportFieldsets: undefined,
  readOnly: false,
  monitor: false,
};

/** The most channels in a command: an array of any length must not become as many arguments. */
const maxChannels = 1_000;

/**
 * @param options what the connections have besides
 * @param onClose called when the node is closed, or could not be connected
 */
export async function connectNode(
  template: IoRedisLike,
  isSharded: boolean,
  events: RedisNodeEvents,
  signal: AbortSignal,
  options: object = {},
  onClose: () => void = () => {},
): Promise<RedisNode> {
  let isReady = false;
  const duplicate = () => template.duplicate({ ...connectionOptions, ...options });
  const connections = [duplicate(), duplicate()] as const;
  const [publisher, subscriber] = connections;
  const close = () => {
    isReady = false;
    for (const connection of connections) disconnect(connection);
    onClose();
  };
  const connected = connections.map((connection) => {
    // What `connect` rejects with is only that the connection was closed; the event before it says why.
    let reason: unknown;
    connection.on("error", (error: unknown) => {
      reason = error;
      // Version 5 takes an answer that it did not ask for (the slot of a channel has moved) for that to another command.
      if (isReady) events.lost(error);
    });
    connection.on("end", () => {
      if (isReady) events.lost(reason ?? new Error("the connection was closed"));
    });
    return connection.connect().catch((error: unknown) => {
      throw reason ?? error;
    });
  });
  await abortable(signal, Promise.all(connected), close);
  isReady = true;

  const message = isSharded ? "smessageBuffer" : "messageBuffer";
  subscriber.on(message, (channel: Buffer, data: Buffer) => events.message(channel, data));
  subscriber.on("moved", () => events.moved());
  const command = isSharded ? "spublish" : "publish";
  let isSubscribed = false;
  return {
    get isOpen() {
      return publisher.status === "ready" && subscriber.status === "ready";
    },
    async publish(messages) {
      const pipeline = publisher.pipeline();
      for (const { channel, data } of messages) pipeline.call(command, [channel, data]);
      const answers = (await pipeline.exec()) ?? [];
      const refused = new Map<ChannelMessage, unknown>();
      for (const [index, message] of messages.entries()) {
        const error = answers[index]?.[0];
        if (error) refused.set(message, error);
      }
      return refused;
    },
    subscribe(channels) {
      isSubscribed = true;
      return inParts(channels, (part) =>
        isSharded ? subscriber.ssubscribe(...part) : subscriber.subscribe(...part),
      );
    },
    unsubscribe: (channels) =>
      inParts(channels, (part) =>
        isSharded ? subscriber.sunsubscribe(...part) : subscriber.unsubscribe(...part),
      ),
    canShard: () => isKnownCommand(publisher.call("spublish")),
    async ping() {
      await Promise.all([publisher.ping(), subscriber.ping()]);
    },
    isReplica() {
      const asked = isSubscribed ? [publisher] : connections;
      return isReplica(asked.map((connection) => connection.call("role")));
    },
    close,
  };
}

export function disconnect(connection: IoRedisLike): void {
  ignoreErrors(connection);
  connection.disconnect();
}

/**
 * The client takes one error of a socket. A TLS socket that is ended in mid-handshake may have two, of the certificate and of
 * the server, and one that nobody listens to ends the process.
 */
export function ignoreErrors({ stream }: IoRedisLike): void {
  stream?.on("error", () => {});
}

async function inParts(
  channels: readonly string[],
  send: (part: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (let at = 0; at < channels.length; at += maxChannels)
    sent.push(send(channels.slice(at, at + maxChannels)));
  await Promise.all(sent);
}
