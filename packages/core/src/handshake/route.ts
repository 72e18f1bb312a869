import type { IncomingMessage } from "node:http";
import { assertHooksSource } from "../hooks.ts";
import { whenThere } from "../promises.ts";
import { findHandshake } from "./find.ts";
import { negotiate, type RouteInfo } from "./negotiate.ts";
import { type Refusal, upgradeRequired } from "./refusal.ts";

/**
 * What each framework does in its own way with a request that has reached `ws(hooks, fallback)`. The route returns to the framework
 * what a step returns: a promise if the step is not done yet. The steps are the same for all requests.
 */
export interface RouteSteps<Fallback, Exchange> {
  /** Gives a plain request to the user's handler. */
  fallBack(fallback: Fallback, exchange: Exchange): unknown;
  /** Says what only the framework knows of a handshake. */
  describe(exchange: Exchange): RouteInfo;
  /** The path of the route as the user has written it, where the framework knows it. Asked for only where hooks are measured. */
  pattern?(exchange: Exchange): string | undefined;
  /** Answers 101 through the framework's response. */
  accept(exchange: Exchange): unknown;
  /** Answers with the refusal, and nothing else, through the framework's response. */
  refuse(refusal: Refusal, exchange: Exchange): unknown;
}

/**
 * Serves one request. Throws or rejects with errors that are for the framework's error handling.
 *
 * @param request Node's own object
 * @param exchange what the steps want of the framework
 */
export type Route<Exchange> = (request: IncomingMessage, exchange: Exchange) => unknown;

/**
 * What `ws(hooks, fallback)` does in every framework: a plain request goes to the fallback, or is answered with 426; a handshake is
 * negotiated and answered. If no hook and no step returns a promise, all of that is done when the route returns.
 *
 * @param caller how the user has written the call, for the text of an error
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks, or `fallback` not a function
 */
export function defineRoute<Fallback, Exchange>(
  hooks: unknown,
  fallback: Fallback | undefined,
  caller: string,
  steps: RouteSteps<Fallback, Exchange>,
): Route<Exchange> {
  assertHooksSource(hooks, caller, fallback);
  const answer = (refusal: Refusal | undefined, exchange: Exchange): unknown =>
    refusal ? steps.refuse(refusal, exchange) : steps.accept(exchange);
  return (request, exchange) => {
    const handshake = findHandshake(request);
    handshake?.instance.histograms?.reached(handshake, steps.pattern?.(exchange));
    if (handshake) return whenThere(negotiate(handshake, hooks, steps.describe(exchange)), answer, exchange);
    return fallback ? steps.fallBack(fallback, exchange) : steps.refuse(upgradeRequired(request), exchange);
  };
}
