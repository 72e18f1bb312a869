import { type PromiseWithResolvers, withResolvers } from "../promises.ts";
import type { Connection } from "./connection.ts";

/** The connections that have ended while hooks of theirs run or wait, `close` among them. */
export class Settling {
  /** With a promise where somebody waits. */
  readonly #connections = new Map<Connection, PromiseWithResolvers | undefined>();

  add(connection: Connection): void {
    this.#connections.set(connection, undefined);
  }

  /** Its last hook has settled. */
  delete(connection: Connection): void {
    this.#connections.get(connection)?.resolve();
    this.#connections.delete(connection);
  }

  has(isMeant: (connection: Connection) => boolean): boolean {
    for (const connection of this.#connections.keys()) if (isMeant(connection)) return true;
    return false;
  }

  /** Resolves when the hooks of all connections that have ended until now have settled. */
  async settled(isMeant: (connection: Connection) => boolean): Promise<void> {
    const meant = [...this.#connections].filter(([connection]) => isMeant(connection));
    const promises = meant.map(([connection, waiter = withResolvers()]) => {
      this.#connections.set(connection, waiter);
      return waiter.promise;
    });
    await Promise.all(promises);
  }
}
