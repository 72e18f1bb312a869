import type { SpryWsOptions } from "@spry-ws/core";
import { adoptRequest, assertHooksSource, createError, Instance } from "@spry-ws/core/adapter";
import type { FastifyInstance, FastifyPluginAsync, RouteHandlerMethod, RouteOptions } from "fastify";
import type { WsRoute } from "./types.ts";
import { ws } from "./ws.ts";

/**
 * WebSockets for a Fastify app. Call `await app.register(spryWs, options)` once, before the routes: it defines `app.ws`, the route
 * option `ws` and `app.spryWs`. `app.close()` closes the peers as the option `shutdown` says, after all `preClose` hooks and before the
 * first `onClose` hook. If it is registered again in an encapsulated context, that context has peers and options of its own.
 *
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option or a value out of range, or the second time in one context
 * @example
 * await app.register(spryWs, { maxPayload: 65_536 });
 * app.ws("/chat", chat);
 * app.get("/:room", { ws: chat, preHandler: requireUser }, (request) => history(request.params.room));
 */
export const spryWs: FastifyPluginAsync<SpryWsOptions> = async (app, options) => {
  if (typeof app?.decorate !== "function") {
    throw createError("SPRY_WS_OPTION", "write app.register(spryWs, options): Fastify itself calls spryWs");
  }
  if (Object.hasOwn(app, "spryWs")) {
    throw createError(
      "SPRY_WS_OPTION",
      "app.register(spryWs): this context has it already. For peers and options of their own register it in a context of its " +
        "own: app.register(async (child) => { await child.register(spryWs, options); child.ws(path, hooks); })",
    );
  }
  const instance = new Instance(options, "app.register(spryWs, options)", (error) => app.log.error(error));
  app.decorate("spryWs", instance);
  app.decorate("ws", function (this: FastifyInstance, path, hooks, fallback) {
    this.get(path, ws(hooks, fallback));
  } as WsRoute);
  app.addHook("onRequest", (request, reply, done) => {
    if (adoptRequest(instance, request.raw, reply.raw)) reply.hijack();
    done();
  });
  app.addHook("onRoute", takeWsOption);
  // `server.close()` closes the peers. Fastify calls it after all preClose hooks, which may still send to the peers. Those hooks have to
  // be done within `pluginTimeout`; for the rest only our own deadline counts.
  app.addHook("onClose", () => instance.close());
  instance.attach(app.server);
};

/** The handlers that were made of the option `ws`. The hooks of every context around a route see it, and only the first may make one. */
const taken = new WeakSet<object>();

/** The route option `ws`: handshakes go to its hooks, plain requests to the route's handler. */
function takeWsOption(route: RouteOptions & { ws?: unknown }): void {
  if (route.ws === undefined || taken.has(route.handler)) return;
  const methods = [route.method].flat();
  // Fastify adds a HEAD route for each GET route, with the same options.
  if (methods.every((method) => method === "HEAD")) return;
  if (!methods.includes("GET")) {
    throw createError(
      "SPRY_WS_OPTION",
      `${methods.join()} ${route.url}: a route with the option "ws" must be a GET route, as every handshake is a GET`,
    );
  }
  assertHooksSource(route.ws, `the option "ws" of ${route.url}`);
  route.handler = ws(route.ws, route.handler) as RouteHandlerMethod;
  taken.add(route.handler);
}

// As fastify-plugin does: the decorators and hooks are added to the app itself, not to an encapsulated context.
Object.assign(spryWs, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@spry-ws/fastify",
  [Symbol.for("plugin-meta")]: { name: "@spry-ws/fastify", fastify: "5.x" },
});
