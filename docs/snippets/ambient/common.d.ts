// Names of the reader's own app, which the blocks of the documentation use without declaring them.
import type { Hooks, SpryWs } from "@spry-ws/core";

declare global {
  /** Hooks defined elsewhere. */
  const chat: Hooks;
  const spry: SpryWs;
  function findUser(id: string | undefined): Promise<User | undefined>;
  /** The latest ones. */
  function loadMessages(count: number): Promise<{ id: number; text: string }[]>;
  /** Gives it the next id. */
  function storeMessage(text: string): Promise<{ id: number; text: string }>;
  interface User {
    readonly id: string;
    readonly name: string;
  }
}
