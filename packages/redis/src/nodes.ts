import type { ChannelMessage, RedisBroker, RedisLayout, RedisNode } from "./broker.ts";
import { slotOf } from "./channel.ts";
import { isAboutCommand, isPermissionMissing, isTransient } from "./explain.ts";
import { ServerWatch } from "./server-watch.ts";

export interface RedisNodesEvents {
  message(channel: Buffer, data: Buffer): void;
  /**
   * A connection was lost, or a slot has moved: `arrange` has to be called.
   *
   * @param lastHeardAt when the server was last heard, as `performance.now()`
   */
  lost(error: unknown, lastHeardAt: number): void;
  error(error: unknown): void;
}

/** The servers in use, and which of them has which channel: one server, or the masters of a cluster. */
export class RedisNodes {
  readonly #broker: RedisBroker;
  readonly #events: RedisNodesEvents;
  readonly #nodes = new Map<string, RedisNode>();
  /** At which server each channel is subscribed. It may be one that was lost, and so is not in `#nodes` any more. */
  readonly #placed = new Map<string, RedisNode>();
  readonly #watches = new WeakMap<RedisNode, ServerWatch>();
  readonly #needsEveryMaster: boolean;
  #isSharded: boolean;
  #isShardingKnown: boolean;
  #ownerOf: RedisLayout["ownerOf"] = () => undefined;

  /** @param needsEveryMaster whether a cluster is refused where one of its servers would do for all channels */
  constructor(broker: RedisBroker, needsEveryMaster: boolean, events: RedisNodesEvents) {
    this.#needsEveryMaster = needsEveryMaster;
    this.#broker = broker;
    this.#events = events;
    this.#isSharded = broker.isCluster;
    this.#isShardingKnown = !broker.isCluster;
  }

  /** Whether messages are published with SPUBLISH. */
  get isSharded(): boolean {
    return this.#isSharded;
  }

  get isOpen(): boolean {
    for (const node of this.#nodes.values()) if (!node.isOpen) return false;
    return this.#nodes.size > 0;
  }

  /** When the server that has been silent for longest was last heard: since then messages may be missing, if any are. */
  get lastHeardAt(): number {
    return Math.min(
      performance.now(),
      ...[...this.#nodes.values()].map((node) => this.#watchOf(node).lastHeardAt),
    );
  }

  /**
   * Connects to the servers that there are now, and subscribes to the channels that are not subscribed yet.
   *
   * @returns the channels that are refused, and why
   */
  async arrange(channels: Iterable<string>, signal: AbortSignal): Promise<ReadonlyMap<string, unknown>> {
    const layout = await this.#broker.locate(signal);
    try {
      const [first] = layout.nodes;
      // Channels that are not sharded reach every server of a cluster: any one server is enough.
      const names = new Set(this.#isSharded ? layout.nodes : layout.nodes.slice(0, 1));
      for (const [name, node] of this.#nodes) if (!names.has(name) || !node.isOpen) this.#drop(name);
      await all([...names].map((name) => this.#connect(layout, name, signal)));
      await all([...this.#nodes].map(([name, node]) => this.#check(name, node)));
      if (!this.#isShardingKnown) {
        const canShard = (await this.#nodes.get(first ?? "")?.canShard()) ?? false;
        if (!canShard && this.#needsEveryMaster)
          throw new Error("a cluster has to be Redis 7 or later, with sharded channels");
        this.#isShardingKnown = true;
        this.#isSharded = canShard;
        if (!canShard) {
          this.close();
          return await this.arrange(channels, signal);
        }
      }
      this.#ownerOf = this.#isSharded ? layout.ownerOf : () => first;
    } finally {
      layout.close();
    }
    return this.subscribe([...channels].filter((channel) => this.#placed.get(channel) !== this.at(channel)));
  }

  /** Calls for each server that is connected to. Rejects if one of them does. */
  async each(call: (node: RedisNode) => Promise<unknown>): Promise<void> {
    await all([...this.#nodes.values()].map(call));
  }

  /**
   * The server that has a key or channel.
   *
   * @throws Error CLUSTERDOWN if there is none
   */
  at(channel: string): RedisNode {
    const node = this.#nodes.get(this.#ownerOf(this.#isSharded ? slotOf(channel) : 0) ?? "");
    if (!node) throw new Error(`CLUSTERDOWN no server has the slot of ${JSON.stringify(channel)}`);
    return node;
  }

  /**
   * @returns the messages that are refused, and why
   * @throws what makes all of them fail, like the loss of a connection
   */
  async publish(messages: readonly ChannelMessage[]): Promise<ReadonlyMap<ChannelMessage, unknown>> {
    const byNode = new Map<RedisNode, ChannelMessage[]>();
    for (const message of messages) append(byNode, this.at(message.channel), message);
    const refused = new Map<ChannelMessage, unknown>();
    await all(
      [...byNode].map(async ([node, list]) => {
        for (const [message, error] of await node.publish(list)) {
          if (isTransient(error) || !node.isOpen) throw error;
          refused.set(message, error);
        }
      }),
    );
    return refused;
  }

  /**
   * @returns the channels that are refused, and why
   * @throws what makes all of them fail
   */
  async subscribe(channels: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    const refused = new Map<string, unknown>();
    await all(this.#group(channels).map(([node, group]) => this.#subscribeAt(node, group, refused)));
    return refused;
  }

  /** Redis refuses a command as a whole when one of its channels is not permitted: it is split until that one is alone. */
  async #subscribeAt(
    node: RedisNode,
    channels: readonly string[],
    refused: Map<string, unknown>,
  ): Promise<void> {
    for (const channel of channels) this.#placed.set(channel, node);
    try {
      await node.subscribe(channels);
    } catch (error) {
      // Some may have been unsubscribed since.
      const wanted = channels.filter((channel) => this.#placed.get(channel) === node);
      if (isPermissionMissing(error) && channels.length > 1 && !isAboutCommand(error)) {
        const middle = Math.ceil(wanted.length / 2);
        const halves = [wanted.slice(0, middle), wanted.slice(middle)].filter(({ length }) => length > 0);
        await all(halves.map((half) => this.#subscribeAt(node, half, refused)));
        return;
      }
      for (const channel of wanted) this.#placed.delete(channel);
      if (!isPermissionMissing(error)) throw error;
      for (const channel of wanted) refused.set(channel, error);
    }
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#placed.delete(channel);
    await all(this.#group(channels).map(([node, group]) => node.unsubscribe(group)));
  }

  ping(intervalMs: number): void {
    for (const [name, node] of this.#nodes) {
      this.#watchOf(node).ping(intervalMs, (error, lastHeardAt) => {
        if (this.#nodes.get(name) !== node) return;
        this.#drop(name);
        this.#events.lost(error, lastHeardAt);
      });
    }
  }

  close(): void {
    for (const name of this.#nodes.keys()) this.#drop(name);
  }

  async #connect(layout: RedisLayout, name: string, signal: AbortSignal): Promise<void> {
    if (this.#nodes.has(name)) return;
    const isCurrent = () => this.#nodes.get(name) === node;
    const node: RedisNode = await layout.connect(
      name,
      this.#isSharded,
      {
        message: (channel, data) => {
          this.#watchOf(node).onMessage();
          this.#events.message(channel, data);
        },
        error: (error) => this.#events.error(error),
        lost: (error) => {
          if (!isCurrent()) return;
          this.#drop(name);
          this.#events.lost(error, this.#watchOf(node).lastHeardAt);
        },
        moved: () => {
          if (!isCurrent()) return;
          for (const [channel, at] of this.#placed) if (at === node) this.#placed.delete(channel);
          // The server was heard now: it has just said this.
          this.#events.lost(
            new Error("slots of the cluster have moved to another server"),
            performance.now(),
          );
        },
      },
      signal,
    );
    this.#nodes.set(name, node);
    // The attempt may have been given up just before the connection was ready.
    if (signal.aborted) this.#drop(name);
  }

  async #check(name: string, node: RedisNode): Promise<void> {
    try {
      await this.#watchOf(node).check();
    } catch (error) {
      this.#drop(name);
      throw error;
    }
  }

  #watchOf(node: RedisNode): ServerWatch {
    let watch = this.#watches.get(node);
    if (!watch) {
      watch = new ServerWatch(node, this.#broker.isCluster);
      this.#watches.set(node, watch);
    }
    return watch;
  }

  #drop(name: string): void {
    this.#nodes.get(name)?.close();
    this.#nodes.delete(name);
  }

  /** One group is one command: in a cluster, its channels must be of the same slot. */
  #group(channels: readonly string[]): [RedisNode, string[]][] {
    const groups = new Map<number, string[]>();
    for (const channel of channels) append(groups, this.#isSharded ? slotOf(channel) : 0, channel);
    return [...groups.values()].map((group) => [this.at(group[0] as string), group]);
  }
}

function append<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** Settles when all promises have; rejects with the reason of the first in the list that did. */
async function all(promises: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises))
    if (result.status === "rejected") throw result.reason;
}
