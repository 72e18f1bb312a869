import type { Server } from "node:http";
import type { SpryWs, SpryWsOptions } from "@spry-ws/core";
import { adoptRequest, exposeInstance, Instance } from "@spry-ws/core/adapter";
import type { Application, RequestHandler } from "express";
import { prepare } from "./prepare.ts";
import type { WsRoute } from "./types.ts";
import { ws } from "./ws.ts";

/** What `spryWs(options)` returns: middleware for `app.use`, and the instance. */
export type ExpressSpryWs = RequestHandler & SpryWs;

/**
 * WebSockets for an Express app. Call `app.use(spryWs())` once, before the routes: it defines `app.ws`, and attaches to the server that
 * `app.listen` makes. It attaches to a server that you make yourself (`http.createServer(app)`) with the first request; to be ready
 * before that, call `attach(server)`.
 *
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option or a value out of range
 * @example
 * const app = express();
 * const spry = spryWs({ maxPayload: 65_536 });
 * app.use(spry);
 * app.ws("/chat", chat);
 * app.post("/announce", (req, res) => { spry.publish("chat", "hello"); res.end(); });
 * app.listen(3000);
 */
export function spryWs(options?: SpryWsOptions): ExpressSpryWs {
  const instance = new Instance(options, "spryWs(options)", console.error);
  instance.prepare = prepare;
  const middleware: RequestHandler = (request, response, next) => {
    if (!adoptRequest(instance, request, response)) return next();
    // The request will come again, as a handshake. It must then be as the client sent it, not as the routers before this have left it.
    request.url = request.originalUrl;
    request.baseUrl = "";
  };
  return Object.assign(exposeInstance(middleware, instance), subApplication(middleware, instance));
}

/**
 * Express takes a function with `handle` and `set` for a sub-application, and emits `mount` on it with the app that uses it. That is
 * the documented way by which `app.use(spryWs())` gets the app (https://expressjs.com/en/5x/api.html#app.onmount).
 */
function subApplication(handle: RequestHandler, instance: Instance): object {
  return {
    handle,
    set: () => {},
    emit: (event: string, app: Application) => event === "mount" && mount(app, instance),
  };
}

/** Defines `app.ws`, and lets the instance see the server that `app.listen` makes. */
function mount(app: Application, instance: Instance): void {
  const route: WsRoute = (path, hooks, fallback) => app.get(path, ws(hooks, fallback));
  app.ws = route;
  const listen = app.listen as (...args: unknown[]) => Server;
  app.listen = (...args: unknown[]) => {
    const server = Reflect.apply(listen, app, args);
    instance.attach(server);
    return server;
  };
}
