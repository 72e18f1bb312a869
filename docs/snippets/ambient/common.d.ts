// Names of the reader's own app, which the blocks of the documentation use without declaring them.
import type { Backplane, Hooks, SpryWs } from "@spry-ws/core";

declare global {
  /** Hooks defined elsewhere. */
  const chat: Hooks;
  const spry: SpryWs;
  const backplane: Backplane;
  function findUser(id: string | undefined): Promise<User | undefined>;
  /** The latest ones. */
  function loadMessages(count: number): Promise<{ id: number; text: string }[]>;
  /** Gives it the next id. */
  function storeMessage(text: string): Promise<{ id: number; text: string }>;
  function findSession(cookie: string | null | undefined): Promise<Session | undefined>;
  function isValid(sessionId: string): Promise<boolean>;
  function revokeSessions(userId: string): Promise<void>;
  interface Session {
    readonly id: string;
    readonly userId: string;
  }
  function loadPrice(item: string): Promise<number>;
  function storePrice(item: string, price: number): Promise<void>;
  interface User {
    readonly id: string;
    readonly name: string;
  }
}
