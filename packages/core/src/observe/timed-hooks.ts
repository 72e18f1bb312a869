import type { Hooks } from "../hooks.ts";
import { isThenable } from "../promises.ts";

export type HookName = "upgrade" | "open" | "message" | "drain" | "close" | "error";

const names: readonly HookName[] = ["upgrade", "open", "message", "drain", "close", "error"];

/** Is told how long each call of a hook took, in milliseconds: until it has returned, and what it returned has settled. */
export type Observe = (hook: HookName, ms: number) => void;

type AnyHook = (...args: unknown[]) => unknown;

/** Hooks that do the same, and are timed. Which there are is looked up each time, as with the hooks themselves. */
export function timedHooks(hooks: Hooks, observe: Observe): Hooks {
  const timed = {};
  for (const name of names) {
    const call = timedCall(hooks, name, observe);
    Object.defineProperty(timed, name, { get: () => (hooks[name] ? call : undefined) });
  }
  return timed;
}

function timedCall(hooks: Hooks, name: HookName, observe: Observe): AnyHook {
  return (...args) => {
    const startedAt = performance.now();
    const done = () => observe(name, performance.now() - startedAt);
    let isWaitedFor = false;
    try {
      const result = (hooks[name] as AnyHook).apply(hooks, args);
      if (!isThenable(result)) return result;
      isWaitedFor = true;
      // Its `then` is called once, as without this: some begin their work with it.
      return Promise.resolve(result).finally(done);
    } finally {
      if (!isWaitedFor) done();
    }
  };
}
