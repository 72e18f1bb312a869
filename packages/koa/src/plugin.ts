import type { SpryWs, SpryWsOptions } from "@spry-ws/core";
import { adoptRequest, exposeInstance, Instance } from "@spry-ws/core/adapter";
import type { Middleware } from "koa";
import type { WsMiddleware } from "./types.ts";

/** What `spryWs(options)` returns: middleware for `app.use`, and the instance. */
export type KoaSpryWs = WsMiddleware & SpryWs;

/**
 * WebSockets for a Koa app. Call `app.use(spryWs())` once, as the first middleware. It attaches to the server with the first request. To
 * be ready before that, which is needed if asynchronous middleware stands before it, call `attach(server)`.
 *
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option or a value out of range
 * @example
 * const app = new Koa();
 * const spry = spryWs();
 * app.use(spry);
 * router.get("/:room", requireUser, ws(chat));
 * app.use(router.routes());
 * spry.attach(app.listen(3000));
 */
export function spryWs(options?: SpryWsOptions): KoaSpryWs {
  const instance = new Instance(options, "spryWs(options)", console.error);
  const middleware: Middleware = (ctx, next) => {
    if (!adoptRequest(instance, ctx.req, ctx.res)) return next();
    // The request will come again, as a handshake. It must then be as the client sent it, not as a mount before this has left it.
    ctx.respond = false;
    ctx.req.url = ctx.originalUrl;
    return undefined;
  };
  return exposeInstance(middleware as WsMiddleware, instance);
}
