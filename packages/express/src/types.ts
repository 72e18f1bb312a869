import type { AnyUpgradeResult, HooksSourceInput, InferredContext, UpgradeResultOf } from "@spry-ws/core";
import type { Application, Request, RequestHandler } from "express";

/**
 * `app.ws`, which `app.use(spryWs())` defines. Mounts hooks on a path: the same as `app.get(path, ws(hooks, fallback))`.
 *
 * @param path as in `app.get`: a string, a RegExp or an array of them
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
 */
export type WsRoute = <
  Context = InferredContext,
  Result extends AnyUpgradeResult = UpgradeResultOf<Context>,
  Params = Request["params"],
  ResBody = Unsaid,
  ReqBody = Unsaid,
  Query = Request["query"],
  Locals extends Record<string, Unsaid> = Record<string, Unsaid>,
>(
  path: string | RegExp | (string | RegExp)[],
  hooks: HooksSourceInput<Context, Result>,
  fallback?: RequestHandler<Params, ResBody, ReqBody, Query, Locals>,
) => Application;

/** The type that Express's own types use by default for bodies and locals. */
export type Unsaid = Request["body"];

declare global {
  namespace Express {
    interface Application {
      /**
       * Mounts hooks on a path: the same as `app.get(path, ws(hooks, fallback))`. Defined by `app.use(spryWs())`, which has to come
       * before; in a `Router` write `router.get(path, ws(hooks))`.
       *
       * @example
       * app.ws("/chat", { message: (peer, message) => peer.send(message) });
       */
      ws: WsRoute;
    }
  }
}
