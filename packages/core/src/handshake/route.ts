import type { IncomingMessage } from "node:http";
import { assertHooksSource } from "../hooks.ts";
import { whenThere } from "../promises.ts";
import { findHandshake } from "./find.ts";
import { negotiate, type RouteInfo } from "./negotiate.ts";
import { type Refusal, upgradeRequired } from "./refusal.ts";

/**
 * What each framework does in its own way with a request that has reached `ws(hooks, fallback)`. The route returns to the framework
 * what a step returns: a promise if the step is not done yet.
 */
export interface RouteSteps<Fallback> {
  /** Gives a plain request to the user's handler. */
  fallBack(fallback: Fallback): unknown;
  /** Says what only the framework knows of a handshake. */
  describe(): RouteInfo;
  /** Answers 101 through the framework's response. */
  accept(): unknown;
  /** Answers with the refusal, and nothing else, through the framework's response. */
  refuse(refusal: Refusal): unknown;
}

/** Serves one request, given as Node's own object. Throws or rejects with errors that are for the framework's error handling. */
export type Route<Fallback> = (request: IncomingMessage, steps: RouteSteps<Fallback>) => unknown;

/**
 * What `ws(hooks, fallback)` does in every framework: a plain request goes to the fallback, or is answered with 426; a handshake is
 * negotiated and answered. If no hook and no step returns a promise, all of that is done when the route returns.
 *
 * @param caller how the user has written the call, for the text of an error
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks, or `fallback` not a function
 */
export function defineRoute<Fallback>(
  hooks: unknown,
  fallback: Fallback | undefined,
  caller: string,
): Route<Fallback> {
  assertHooksSource(hooks, caller, fallback);
  return (request, steps) => {
    const handshake = findHandshake(request);
    if (!handshake) {
      return fallback ? steps.fallBack(fallback) : steps.refuse(upgradeRequired(request));
    }
    return whenThere(negotiate(handshake, hooks, steps.describe()), (refusal) =>
      refusal ? steps.refuse(refusal) : steps.accept(),
    );
  };
}
