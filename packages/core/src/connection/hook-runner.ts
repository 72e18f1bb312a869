import type { Hooks } from "../hooks.ts";
import type { Message } from "../message.ts";
import { channels } from "../observe/channels.ts";
import type { Peer } from "../peer.ts";
import { isThenable } from "../promises.ts";
import type { Acceptance, ConnectionOwner } from "./opening.ts";

/** Calls the hooks of one peer and brings their errors where they belong. */
export class HookRunner {
  readonly #owner: Pick<ConnectionOwner<never>, "report">;
  readonly #peer: Peer;
  readonly #hooks: Hooks;
  readonly #log: (error: unknown) => unknown;

  constructor(owner: Pick<ConnectionOwner<never>, "report">, peer: Peer, { hooks, state }: Acceptance) {
    this.#owner = owner;
    this.#peer = peer;
    this.#hooks = hooks;
    this.#log = state.log;
  }

  get hasDrain(): boolean {
    return this.#hooks.drain !== undefined;
  }

  get hasMessage(): boolean {
    return this.#hooks.message !== undefined;
  }

  call(name: "open" | "message" | "drain" | "close" | "error", ...args: unknown[]): unknown {
    const hook = this.#hooks[name] as ((peer: Peer, ...args: unknown[]) => unknown) | undefined;
    return hook?.call(this.#hooks, this.#peer, ...args);
  }

  /** The hook that is called most often, without the cost of `call`. */
  message(message: Message): unknown {
    return this.#hooks.message?.(this.#peer, message);
  }

  /** A hook threw or rejected: to the `error` hook, or to the framework's logger. Never throws or rejects. */
  fail(error: unknown): unknown {
    if (channels.error.hasSubscribers) channels.error.publish({ peer: this.#peer, error });
    if (this.#hooks.error) return this.#callError(error);
    return this.report(error);
  }

  /** The client violated the protocol: to the `error` hook alone, as clients must not be able to fill the log. */
  violated(error: unknown): unknown {
    if (channels.error.hasSubscribers) channels.error.publish({ peer: this.#peer, error });
    return this.#hooks.error && this.#callError(error);
  }

  /** What the `error` hook itself throws has nowhere to go but the logger. */
  #callError(error: unknown): unknown {
    try {
      const result = this.call("error", error);
      return isThenable(result)
        ? Promise.resolve(result).catch((failure) => this.report(failure))
        : undefined;
    } catch (failure) {
      return this.report(failure);
    }
  }

  /** To `onError`, or to the framework's logger. */
  report(error: unknown): void {
    this.#owner.report(error, { stage: "hook" }, this.#log);
  }
}
