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
 * Options that replace those of the user's client, which are meant for its own connections. The client must neither keep commands
 * back nor send any again by itself: RedisNode says why.
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
  // These would take a slow connection for a lost one. `pingIntervalMs` finds out whether the server is there.
  commandTimeout: undefined,
  socketTimeout: undefined,
  keyPrefix: "",
  himportFieldsets: undefined,
  readOnly: false,
  monitor: false,
};

/** The most channels in a command: each is an argument of a function call, and a call takes only so many. */
const maxChannels = 1_000;

/**
 * @param options further options of the connections
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
    // `connect` rejects only with "the connection was closed". The `error` event before that says why.
    let reason: unknown;
    connection.on("error", (error: unknown) => {
      reason = error;
      // When the slot of a channel has moved, version 5 takes the server's message about it for the answer to another command.
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
    async run(commands) {
      const pipeline = publisher.pipeline();
      for (const [command, ...args] of commands) pipeline.callBuffer(String(command), args);
      const failed = (error: unknown) => commands.map(() => [error]);
      const answers = (await pipeline.exec().catch(failed)) ?? failed(new Error("no answer"));
      return answers.map(([error, answer]) => error ?? answer);
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
 * The client listens for one error of a socket. A TLS socket that is closed in the middle of its handshake may emit two, one for the
 * certificate and one from the server, and an error without a listener ends the process.
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
