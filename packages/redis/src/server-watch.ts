import { createError } from "@spry-ws/core/adapter";
import type { RedisNode } from "./broker.ts";
import { isAboutDisk, isPermissionMissing } from "./explain.ts";

const becauseReplica = () =>
  createError(
    "SPRY_WS_BACKPLANE",
    "Redis is a replica where the client leads to: what is published there does not reach those who use the master; " +
      "the client must lead to the master",
  );

/** Whether a server is still there, and still the one that everybody publishes to. */
export class ServerWatch {
  readonly #node: RedisNode;
  /** Whether to ask the server for its role: not in a cluster, which tells who owns a slot, nor where the answer is not known. */
  #asksForRole: boolean;
  /** When the server was last known to be the master, as `performance.now()`. */
  #masterAt = performance.now();
  #heardAt = performance.now();
  #isUnanswered = false;

  constructor(node: RedisNode, isCluster: boolean) {
    this.#node = node;
    this.#asksForRole = !isCluster;
  }

  /** As `performance.now()`. */
  get lastHeardAt(): number {
    return this.#heardAt;
  }

  onMessage(): void {
    this.#heardAt = performance.now();
  }

  /**
   * Checks, before the server is used, that it answers and is no replica. A server may accept a connection and still refuse every
   * command: for want of a password, or because it is busy.
   *
   * @throws the refusal, or that the server is a replica
   */
  async check(): Promise<void> {
    await this.#node.ping().catch((error: unknown) => {
      // A server that refuses only PING can be used.
      if (!isPermissionMissing(error) && !isAboutDisk(error)) throw error;
    });
    if (await this.#isReplica()) throw becauseReplica();
  }

  /**
   * Sends a PING, and asks for the role. A server that has not answered the last time is given up: its connection may be dead. So is
   * a master that has become a replica: a new connection may lead to the new master.
   */
  ping(intervalMs: number, giveUp: (error: Error, lastHeardAt: number) => void): void {
    if (this.#isUnanswered) {
      giveUp(new Error(`no answer to a PING for ${intervalMs} ms`), this.#heardAt);
      return;
    }
    this.#isUnanswered = true;
    const sentAt = performance.now();
    const ask = async () => {
      // A refusal is an answer too. The node tells of a lost connection by an event.
      await this.#node.ping().catch(() => {});
      // `sentAt`, not now: the two connections answer at different times, but both were there when they were asked.
      if (this.#node.isOpen) this.#heardAt = Math.max(sentAt, this.#heardAt);
      const isReplica = await this.#isReplica();
      this.#isUnanswered = false;
      if (isReplica) giveUp(becauseReplica(), this.#masterAt);
      else this.#masterAt = sentAt;
    };
    void ask();
  }

  /** Never rejects. */
  async #isReplica(): Promise<boolean> {
    if (!this.#asksForRole) return false;
    const isReplica = await this.#node.isReplica();
    this.#asksForRole = isReplica !== undefined;
    return isReplica === true;
  }
}
