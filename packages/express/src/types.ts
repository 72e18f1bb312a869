import type { HooksSource } from "@spry-ws/core";
import type { Application, RequestHandler } from "express";

/**
 * `app.ws`, which `app.use(spryWs())` defines. Mounts hooks on a path: the same as `app.get(path, ws(hooks, fallback))`.
 *
 * @param path as in `app.get`: a string, a RegExp or an array of them
 * @throws TypeError `SPRY_WS_HOOKS` for hooks that are none
 */
export type WsRoute = <Context>(
  path: string | RegExp | (string | RegExp)[],
  hooks: HooksSource<Context>,
  fallback?: RequestHandler,
) => Application;

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
