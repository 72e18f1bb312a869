import type { Hooks } from "../hooks.ts";
import type { Message } from "../message.ts";
import { channels } from "../observe/channels.ts";
import type { Peer } from "../peer.ts";
import { isThenable } from "../promises.ts";

/** Whose hooks are called. */
export interface Hooked {
  readonly hooks: Hooks;
  readonly peer: Peer;
  /** Takes an error that no hook takes. */
  report(error: unknown): void;
}

export function callHook(
  { hooks, peer }: Hooked,
  name: "open" | "drain" | "close" | "error",
  ...args: unknown[]
): unknown {
  const hook = hooks[name] as ((peer: Peer, ...args: unknown[]) => unknown) | undefined;
  return hook?.call(hooks, peer, ...args);
}

/** The hook that is called most often, without the cost of `callHook`. */
export function callMessage({ hooks, peer }: Hooked, message: Message): unknown {
  return hooks.message?.(peer, message);
}

/** A hook threw or rejected: to the `error` hook, or to the log. Never throws or rejects. */
export function hookFailed(hooked: Hooked, error: unknown): unknown {
  if (channels.error.hasSubscribers) channels.error.publish({ peer: hooked.peer, error });
  if (hooked.hooks.error) return callError(hooked, error);
  return hooked.report(error);
}

/** The client violated the protocol: to the `error` hook alone, as clients must not be able to fill the log. */
export function protocolViolated(hooked: Hooked, error: unknown): unknown {
  if (channels.error.hasSubscribers) channels.error.publish({ peer: hooked.peer, error });
  return hooked.hooks.error && callError(hooked, error);
}

/** What the `error` hook itself throws has nowhere to go but the log. */
function callError(hooked: Hooked, error: unknown): unknown {
  try {
    const result = callHook(hooked, "error", error);
    return isThenable(result)
      ? Promise.resolve(result).catch((failure) => hooked.report(failure))
      : undefined;
  } catch (failure) {
    return hooked.report(failure);
  }
}
