import type { SpryWs, SpryWsOptions } from "@spry-ws/core";
import { adoptRequest, exposeInstance, Instance } from "@spry-ws/core/adapter";
import type { Middleware } from "koa";
import type { WsMiddleware } from "./types.ts";

/** What `spryWs(options)` gives: middleware for `app.use`, and the instance. */
export type KoaSpryWs = WsMiddleware & SpryWs;

/**
 * WebSockets for a Koa app. `app.use(spryWs())` once, as the first middleware. The server is learnt with its first request;
 * to be ready before that, as with asynchronous middleware in front, call `attach(server)`.
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
    // The request comes again, as a handshake: as the client sent it, not as a mount on the way here left it.
    ctx.respond = false;
    ctx.req.url = ctx.originalUrl;
    return undefined;
  };
  return exposeInstance(middleware as WsMiddleware, instance);
}
