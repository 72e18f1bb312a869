import Router from "@koa/router";
import { spryWs, useKoaContext, ws } from "@spry-ws/koa";
import Koa3, { type Middleware } from "koa";
import Koa2 from "koa2";
import type { Adapter, AppSpec, BuiltApp, Guard } from "../fixtures/adapter.ts";
import { nodeServer } from "../fixtures/node-server.ts";

/** Koa 2 has the same API as far as the suite needs it,. */
const classes = { "koa 2": Koa2, "koa 3": Koa3 };

function koaAdapter(name: keyof typeof classes): Adapter {
  return {
    name,
    hasFramework: true,
    build: (spec) => build(classes[name], spec),
    nativePath: (event) => useKoaContext(event).originalUrl,
  };
}

export const koaTwo: Adapter = koaAdapter("koa 2");
export const koaThree: Adapter = koaAdapter("koa 3");

function build(Koa: typeof Koa3, { routes, options, trustProxy = false }: AppSpec): BuiltApp {
  const app = new Koa({ proxy: trustProxy });
  const logged: unknown[] = [];
  // Koa logs every client that resets, that of a plain GET too.
  app.on("error", (error) => error.code === "ECONNRESET" || logged.push(error));
  const spry = spryWs({ onError: (error) => logged.push(error), ...options });
  app.use(spry);
  const router = new Router();
  for (const [path, { hooks, text, guard, headers }] of Object.entries(routes)) {
    if (headers) {
      app.use((ctx, next) => {
        if (ctx.path === path) ctx.set(headers);
        return next();
      });
    }
    const fallback: Middleware = (ctx) => {
      ctx.body = text;
    };
    const middleware = guard ? [guardMiddleware(guard)] : [];
    if (!hooks) router.get(path, ...middleware, fallback);
    else if (guard || path.includes(":"))
      router.get(path, ...middleware, ws(hooks, text === undefined ? undefined : fallback));
    else app.use(ws(path, hooks, text === undefined ? undefined : fallback));
  }
  app.use(router.routes());
  return { spry, logged, ...nodeServer(spry, () => app.listen(0, "127.0.0.1")) };
}

function guardMiddleware(guard: Guard): Middleware {
  return async (ctx, next) => {
    const refusal = await guard(ctx.url);
    if (!refusal) return next();
    ctx.body = refusal.body ?? null;
    ctx.status = refusal.status;
    ctx.set({ ...refusal.headers });
  };
}
