import { isPermissionMissing, isUnknownCommand } from "./explain.ts";

/** One message on its way to Redis. */
export interface ChannelMessage {
  readonly channel: string;
  readonly data: Buffer;
}

/**
 * The connections to one server: one publishes, one is subscribed. They do not reconnect by themselves. When a connection is
 * lost, everything that has not been answered fails, and the client sends none of it later: the instance hands it over again, and
 * it must not come twice or out of order.
 */
export interface RedisNode {
  readonly isOpen: boolean;
  /** Publishes the messages in this order. Resolves to those that were not taken, with the errors. */
  publish(messages: readonly ChannelMessage[]): Promise<ReadonlyMap<ChannelMessage, unknown>>;
  /**
   * Sends the commands in this order, on the connection that publishes. Resolves to their answers, with strings as Buffers; the answer to
   * what was refused or failed is an Error. Never rejects.
   */
  run(commands: readonly (readonly (string | Buffer)[])[]): Promise<readonly unknown[]>;
  /** In a cluster, all channels of one call must be in the same slot. */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  /** Whether the server has sharded channels: Redis 7 and later. */
  canShard(): Promise<boolean>;
  /** Settles when both connections have answered. */
  ping(): Promise<void>;
  /**
   * Whether the server is a replica. The connection that publishes is asked, and the other one too as long as it is subscribed to
   * nothing. Undefined if the user may not ask for that, or the server does not know the command. Never rejects.
   */
  isReplica(): Promise<boolean | undefined>;
  close(): void;
}

export interface RedisNodeEvents {
  message(channel: Buffer, data: Buffer): void;
  /** A connection was lost: the node cannot be used any more. */
  lost(error: unknown): void;
  /** The server has taken away subscriptions, because their slot has moved to another one. */
  moved(): void;
  /** Something else that the client reports. */
  error(error: unknown): void;
}

/** Which server has which channel, at one moment. */
export interface RedisLayout {
  /** Names of the servers that own slots. */
  readonly nodes: readonly string[];
  ownerOf(slot: number): string | undefined;
  /** @param isSharded whether the commands are SPUBLISH and SSUBSCRIBE, or PUBLISH and SUBSCRIBE */
  connect(node: string, isSharded: boolean, events: RedisNodeEvents, signal: AbortSignal): Promise<RedisNode>;
  /** Closes the connections that were needed to find this out. */
  close(): void;
}

/** A Redis server or cluster, as the user's client describes it. */
export interface RedisBroker {
  readonly isCluster: boolean;
  locate(signal: AbortSignal): Promise<RedisLayout>;
}

/** The broker that is one server, or whatever one connection leads to. */
export function singleServer(connect: RedisLayout["connect"]): RedisBroker {
  const layout: RedisLayout = { nodes: ["redis"], ownerOf: () => "redis", connect, close() {} };
  return { isCluster: false, locate: async () => layout };
}

/** `RedisNode.isReplica` for the answers to ROLE of its connections. */
export async function isReplica(answers: Promise<unknown>[]): Promise<boolean | undefined> {
  let isKnown = false;
  for (const answer of await Promise.allSettled(answers)) {
    if (answer.status === "rejected") {
      if (!isPermissionMissing(answer.reason) && !isUnknownCommand(answer.reason)) isKnown = true;
      continue;
    }
    isKnown = true;
    if (Array.isArray(answer.value) && /^(slave|replica)$/.test(String(answer.value[0]))) return true;
  }
  return isKnown ? false : undefined;
}

/**
 * Whether the server knows a command that was sent without its arguments. It refuses such a command before it looks at permissions,
 * and an unknown command with another error.
 */
export function isKnownCommand(answer: Promise<unknown>): Promise<boolean> {
  return answer.then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof Error) || !error.message.startsWith("ERR ")) throw error;
      return !isUnknownCommand(error);
    },
  );
}
