import { assertHooks, type Hooks } from "./hooks.ts";
import type {
  AnyUpgradeResult,
  ContextOf,
  HooksInput,
  InferredContext,
  UpgradeResultOf,
} from "./infer-context.ts";

/**
 * Checks hooks and infers the type of `peer.context` from what `upgrade` returns: on every path, so that one that returns no context
 * makes it `undefined` too. TypeScript reads the object from top to bottom: write `upgrade` first, or give its parameter a type.
 *
 * @throws TypeError `SPRY_WS_HOOKS` for an unknown name or something that is not a function
 * @example
 * const chat = defineHooks({
 *   async upgrade(event) {
 *     const user = await findUser(useHeaders(event).get("cookie"));
 *     if (!user) return new Response("Log in first", { status: 401 });
 *     return { context: { user } };
 *   },
 *   message(peer, message) {
 *     peer.publish("room", `${peer.context.user.name}: ${message.text()}`);
 *   },
 * });
 */
export function defineHooks<
  Context = InferredContext,
  Result extends AnyUpgradeResult = UpgradeResultOf<Context>,
>(hooks: HooksInput<Context, Result>): Hooks<ContextOf<Context, Result>> {
  assertHooks(hooks, "defineHooks()");
  return hooks as object as Hooks<ContextOf<Context, Result>>;
}
