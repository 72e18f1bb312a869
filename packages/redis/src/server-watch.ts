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
  /** Whether it may be asked for its role. In a cluster the owners of slots are known otherwise. */
  #hasRole: boolean;
  /** When it was last known to be a master, as `performance.now()`. */
  #masterAt = performance.now();
  #heardAt = performance.now();
  #isUnanswered = false;

  constructor(node: RedisNode, isCluster: boolean) {
    this.#node = node;
    this.#hasRole = !isCluster;
  }

  /** As `performance.now()`. */
  get lastHeardAt(): number {
    return this.#heardAt;
  }

  onMessage(): void {
    this.#heardAt = performance.now();
  }

  /**
   * Before the server is used.
   *
   * @throws its refusal: a client without a password may be connected and still be refused everything, and so is one of a server
   * that is busy; or that it is a replica
   */
  async check(): Promise<void> {
    await this.#node.ping().catch((error: unknown) => {
      // PING alone nobody needs.
      if (!isPermissionMissing(error) && !isAboutDisk(error)) throw error;
    });
    if (await this.#isReplica()) throw becauseReplica();
  }

  /**
   * Asks for a sign of life. A server that has not answered since it was last asked is given up, as a connection may be dead
   * without a sign; and so is a master that has become a replica, as new connections may lead to another server.
   */
  ping(intervalMs: number, giveUp: (error: Error, lastHeardAt: number) => void): void {
    if (this.#isUnanswered) {
      giveUp(new Error(`no answer to a PING for ${intervalMs} ms`), this.#heardAt);
      return;
    }
    this.#isUnanswered = true;
    const sentAt = performance.now();
    const asked = async () => {
      // A refusal is an answer too; for what is lost there is the event.
      await this.#node.ping().catch(() => {});
      // The two connections answer each at its time: both were there when they were asked.
      if (this.#node.isOpen) this.#heardAt = Math.max(sentAt, this.#heardAt);
      const isReplica = await this.#isReplica();
      this.#isUnanswered = false;
      if (isReplica) giveUp(becauseReplica(), this.#masterAt);
      else this.#masterAt = sentAt;
    };
    void asked();
  }

  /** Never rejects. */
  async #isReplica(): Promise<boolean> {
    if (!this.#hasRole) return false;
    const isReplica = await this.#node.isReplica();
    this.#hasRole = isReplica !== undefined;
    return isReplica === true;
  }
}
