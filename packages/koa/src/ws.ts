import type {
  AnyUpgradeResult,
  Event,
  HooksSourceInput,
  InferredContext,
  UpgradeResultOf,
} from "@spry-ws/core";
import {
  type Adapter,
  createError,
  defineRoute,
  describesBody,
  type Refusal,
  type RouteInfo,
  type RouteSteps,
  spentResponse,
  toRequestPath,
  useNative,
} from "@spry-ws/core/adapter";
import type { Context, DefaultContext, DefaultState, Middleware, Next } from "koa";
import type { WsMiddleware } from "./types.ts";

/**
 * Middleware that makes each handshake a WebSocket. Middleware before it runs as for any GET. A plain request goes to `fallback`;
 * without one it is answered with 426.
 *
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
 * @example
 * router.get("/:room", requireUser, ws(chat));
 */
export function ws<C = InferredContext, R extends AnyUpgradeResult = UpgradeResultOf<C>>(
  hooks: HooksSourceInput<C, R>,
): WsMiddleware;
/**
 * The same with a fallback, which has the types of its app.
 *
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
 */
export function ws<
  C = InferredContext,
  R extends AnyUpgradeResult = UpgradeResultOf<C>,
  StateT = DefaultState,
  ContextT = DefaultContext,
  BodyT = Context["body"],
>(
  hooks: HooksSourceInput<C, R>,
  fallback: Middleware<StateT, ContextT, BodyT> | undefined,
): Middleware<StateT, ContextT, BodyT>;
/**
 * The same for apps without a router: requests for another path go to the next middleware.
 *
 * @param path is compared with the whole path of the request; `/chät` is the same as `/ch%C3%A4t`
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks, `SPRY_WS_OPTION` for a path with parameters or a query
 * @example
 * app.use(ws("/chat", chat));
 */
export function ws<C = InferredContext, R extends AnyUpgradeResult = UpgradeResultOf<C>>(
  path: string,
  hooks: HooksSourceInput<C, R>,
): WsMiddleware;
/**
 * The same with a fallback.
 *
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks, `SPRY_WS_OPTION` for a path with parameters or a query
 */
export function ws<
  C = InferredContext,
  R extends AnyUpgradeResult = UpgradeResultOf<C>,
  StateT = DefaultState,
  ContextT = DefaultContext,
  BodyT = Context["body"],
>(
  path: string,
  hooks: HooksSourceInput<C, R>,
  fallback: Middleware<StateT, ContextT, BodyT> | undefined,
): Middleware<StateT, ContextT, BodyT>;
export function ws(first: unknown, second?: unknown, third?: unknown): Middleware {
  const path = typeof first === "string" ? first : undefined;
  const hooks = path === undefined ? first : second;
  const fallback = (path === undefined ? second : third) as Middleware | undefined;
  const route = defineRoute(hooks, fallback, path === undefined ? "ws(hooks)" : "ws(path, hooks)", {
    ...steps,
    ...(path !== undefined && { pattern: () => path }),
  });
  const requestPath = path === undefined ? undefined : resolvePath(path);
  return (ctx, next) => {
    const isMine = requestPath === undefined || (ctx.path === requestPath && ctx.method === "GET");
    return isMine ? route(ctx.req, { ctx, next }) : next();
  };
}

/** What Koa calls middleware with. */
interface Exchange {
  readonly ctx: Context;
  readonly next: Next;
}

const steps: RouteSteps<Middleware, Exchange> = {
  fallBack: (fallback, { ctx, next }) => fallback(ctx, next),
  describe: ({ ctx }) => describeRoute(ctx),
  pattern: ({ ctx }) => matchedRoute(ctx),
  accept({ ctx }) {
    ctx.status = 101;
  },
  refuse: (refusal, { ctx }) => refuse(ctx, refusal),
};

/** The path as it stands in a request. Throws for a pattern, which only a router would match: here each request would get a 404. */
function resolvePath(path: string): string {
  const requestPath = toRequestPath(path);
  if (requestPath !== undefined) return requestPath;
  throw createError(
    "SPRY_WS_OPTION",
    `ws(path, hooks) takes a path that starts with "/", without parameters and query, not ${JSON.stringify(path)}; ` +
      "for parameters write router.get(path, ws(hooks)), and a query is useRequestURI(event).searchParams",
  );
}

/** Koa's own context, for its session, state or app. It is the same object in every hook. */
export function useKoaContext(event: Event): Context {
  return useNative(event, "koa", "useKoaContext") as Context;
}

function refuse(ctx: Context, refusal: Refusal): void {
  ctx.body = refusal.body;
  ctx.status = refusal.status;
  if (refusal.statusText) ctx.message = refusal.statusText;
  // Headers that describe a body of earlier middleware, and the `Content-Type` that Koa has guessed for this one.
  for (const name of Object.keys(ctx.response.headers)) if (describesBody(name)) ctx.remove(name);
  for (const [name, value] of refusal.headers) {
    if (name === "set-cookie") ctx.append(name, value);
    else ctx.set(name, value);
  }
}

const adapter: Adapter = {
  name: "koa",
  report: (error, native) => emitError(native as Context, error),
  release: (native) => release(native as Context),
};

/** As `@koa/router` says it. */
function matchedRoute(ctx: Context): string | undefined {
  const { _matchedRoute: matched } = ctx as { _matchedRoute?: string | RegExp };
  return matched && String(matched);
}

function describeRoute(ctx: Context): RouteInfo {
  return {
    adapter,
    native: ctx,
    params: ctx["params"] ?? {},
    protocol: ctx.protocol,
    host: ctx.host,
    ip: ctx.ip,
  };
}

/** What Koa keeps of the response. The URL is parsed again when it is asked for. */
function release(ctx: Context): void {
  const { res } = ctx;
  const spent = spentResponse(res);
  ctx.res = spent;
  ctx.request.res = spent;
  ctx.response.res = spent;
  for (const key of Object.getOwnPropertySymbols(ctx)) {
    const value = Reflect.get(ctx, key);
    if (value?.response === res) value.response = spent; // `ctx.cookies`, if it has been asked for.
  }
  // The router's list has room for 16 more.
  if (Array.isArray(ctx["matched"])) ctx["matched"] = [...ctx["matched"]];
  Object.assign(ctx.req, { _parsedUrl: undefined });
}

/** As `app.emit("error", error, ctx)`, which would ignore the promise of an async listener: its rejection would end the process. */
function emitError(ctx: Context, error: unknown): unknown {
  const { app } = ctx;
  const listeners = app.rawListeners("error");
  if (listeners.length === 0) throw error; // As `emit` does.
  return Promise.all(listeners.map((listener) => Reflect.apply(listener, app, [error, ctx])));
}
