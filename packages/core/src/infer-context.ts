import type { Event } from "./event.ts";
import type { PeerHooks, UpgradeAcceptance, UpgradeResult } from "./hooks.ts";

/** In place of the type of a context: nobody has named one, and what the `upgrade` hook returns says it. */
export interface InferredContext {
  readonly [inferred]: never;
}
declare const inferred: unique symbol;

/**
 * What `upgrade` is expected to return where a hook above it has an untyped `peer`: TypeScript reads an object from top to bottom, and
 * by then had to know the context.
 */
interface UpgradeBelowOthers
  extends UpgradeAcceptance<"write upgrade above the hooks that use its context, or type its parameter: upgrade(event: Event)"> {}

/** What an `upgrade` hook may return, its mistakes with it: they are told from what is right in a second step, which says how. */
export type AnyUpgradeResult = UpgradeResult<unknown> | object;

/** The type of what `upgrade` returns where TypeScript has nothing to infer it from. */
export type UpgradeResultOf<Context> =
  IsInferred<Context> extends true
    ? UnlessBelow | Promise<UnlessBelow>
    : UpgradeResult<Context> | Promise<UpgradeResult<Context>>;

// biome-ignore lint/suspicious/noConfusingVoidType: a hook without a return statement returns void
type UnlessBelow = void | undefined | Headers | Response | UpgradeBelowOthers;

/**
 * The type of `peer.context`: the one that is named, or what the paths of `upgrade` return. One that returns nothing, `Headers` or
 * an object without a context makes it `undefined` there; one that refuses does not matter.
 */
export type ContextOf<Context, Result> =
  IsInferred<Context> extends true ? ContextIn<Awaited<Result>> : Context;

type ContextIn<Result> = Result extends Response
  ? never
  : Result extends UpgradeBelowOthers
    ? UpgradeBelowOthers extends Result
      ? undefined
      : ContextMember<Result>
    : ContextMember<Result>;

type ContextMember<Result> = Result extends { context: infer Context }
  ? Context
  : Result extends { context?: infer Context }
    ? Context | undefined
    : undefined;

/** `Result` as it is, or what it should have been. */
export type CheckedResult<Context, Result> = [MisplacedKeys<Awaited<Result>>] extends [never]
  ? Awaited<Result> extends UpgradeResult<ExpectedContext<Context>>
    ? Result
    : InPromise<Result, UpgradeResult<ExpectedContext<Context>>>
  : InPromise<
      Result,
      {
        [Key in MisplacedKeys<
          Awaited<Result>
        >]: "to keep a value for the other hooks write { context: { … } }";
      }
    >;

/** Members of an object that mean nothing there: `return { user }`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook without a return statement returns void
type MisplacedKeys<Result> = Result extends void | undefined | Headers | Response
  ? never
  : Result extends object
    ? Exclude<keyof Result, keyof UpgradeAcceptance<unknown>>
    : never;

type ExpectedContext<Context> = IsInferred<Context> extends true ? unknown : NotInferredFrom<Context>;

type InPromise<Result, Value> = Result extends PromiseLike<unknown> ? Promise<Value> : Value;

/** TypeScript's `NoInfer`, which is newer than what this package is used with. */
type NotInferredFrom<T> = [T][T extends unknown ? 0 : never];

/** Not so for `any`, which a user may name. */
type IsInferred<Context> = 0 extends 1 & Context ? false : [Context] extends [InferredContext] ? true : false;

/**
 * What takes hooks infers the type of their context from them, so that it need not be named: `Hooks<Context>` where it is, or else
 * hooks whose `upgrade` says it.
 */
export interface HooksInput<Context, Result> extends PeerHooks<ContextOf<Context, Result>> {
  /** As in `Hooks`. */
  upgrade?(event: Event): CheckedResult<Context, Result>;
}

/** The same for what a route is mounted with: hooks, or a function that gives them for each handshake. */
export type HooksSourceInput<Context, Result> =
  | HooksInput<Context, Result>
  | ((event: Event) => HooksInput<Context, Result> | Promise<HooksInput<Context, Result>>);
