import { isPermissionMissing, isUnknownCommand } from "./explain.ts";

/** One message on its way to Redis. */
export interface ChannelMessage {
  readonly channel: string;
  readonly data: Buffer;
}

/**
 * The connections to one server: one publishes, one is subscribed. They do not reconnect by themselves: what was not answered
 * when a connection is lost has failed, and nothing is sent later, behind the back of what is handed over again.
 */
export interface RedisNode {
  readonly isOpen: boolean;
  /** In this order. Resolves to those that were not taken, with the errors. */
  publish(messages: readonly ChannelMessage[]): Promise<ReadonlyMap<ChannelMessage, unknown>>;
  /** In a cluster, the channels of one call are of one slot. */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  /** Whether the server has sharded channels: Redis 7 and later. */
  canShard(): Promise<boolean>;
  /** Settles when both connections have answered. */
  ping(): Promise<void>;
  /**
   * Whether the server is a replica: of the connection that publishes, and of the other one too as long as nothing is subscribed
   * there. Undefined if the user may not ask for that, or the server does not know. Never rejects.
   */
  isReplica(): Promise<boolean | undefined>;
  close(): void;
}

export interface RedisNodeEvents {
  message(channel: Buffer, data: Buffer): void;
  /** A connection was lost: the node is of no use any more. */
  lost(error: unknown): void;
  /** The server has taken away subscriptions, because their slot has moved to another one. */
  moved(): void;
  /** Something else that the client reports. */
  error(error: unknown): void;
}

/** Where the channels are, at one moment. */
export interface RedisLayout {
  /** Names of the servers that own slots. */
  readonly nodes: readonly string[];
  ownerOf(slot: number): string | undefined;
  /** @param isSharded whether the commands are SPUBLISH and SSUBSCRIBE, or PUBLISH and SUBSCRIBE */
  connect(node: string, isSharded: boolean, events: RedisNodeEvents, signal: AbortSignal): Promise<RedisNode>;
  /** Ends what was needed to find out. */
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

/** For `isReplica`: what the answers to ROLE say. */
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

/** For `canShard`: a command without its arguments is refused before permissions are looked at, and differently if unknown. */
export function isKnownCommand(answer: Promise<unknown>): Promise<boolean> {
  return answer.then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof Error) || !error.message.startsWith("ERR ")) throw error;
      return !isUnknownCommand(error);
    },
  );
}
