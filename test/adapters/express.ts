import { spryWs, useExpressRequest, ws } from "@spry-ws/express";
import express5, { type ErrorRequestHandler, type RequestHandler } from "express";
import express4 from "express4";
import type { Adapter, AppSpec, BuiltApp, Guard } from "../fixtures/adapter.ts";
import { nodeServer } from "../fixtures/node-server.ts";

/** Express 4 has the same API as far as the suite needs it. */
const makers = { "express 4": express4, "express 5": express5 };

function expressAdapter(name: keyof typeof makers): Adapter {
  return {
    name,
    hasFramework: true,
    build: (spec) => build(makers[name], spec),
    nativePath: (event) => useExpressRequest(event).originalUrl,
  };
}

export const expressFour: Adapter = expressAdapter("express 4");
export const expressFive: Adapter = expressAdapter("express 5");

function build(express: typeof express5, { routes, options, trustProxy = false }: AppSpec): BuiltApp {
  const app = express();
  const logged: unknown[] = [];
  app.set("trust proxy", trustProxy);
  const spry = spryWs({ onError: (error) => logged.push(error), ...options });
  app.use(spry);
  for (const [path, { hooks, text, guard, headers }] of Object.entries(routes)) {
    if (headers)
      app.use(path, (_request, response, next) => {
        response.set(headers);
        next();
      });
    const fallback: RequestHandler = (_request, response) => void response.send(text);
    const handlers = guard ? [guardMiddleware(guard)] : [];
    if (!hooks) app.get(path, ...handlers, fallback);
    else if (guard) app.get(path, ...handlers, ws(hooks, text === undefined ? undefined : fallback));
    else app.ws(path, hooks, text === undefined ? undefined : fallback);
  }
  app.use(((error, _request, response, next) => {
    logged.push(error);
    if (response.headersSent) next(error);
    else response.status(500).type("text").send("express: internal error");
  }) as ErrorRequestHandler);
  return { spry, logged, ...nodeServer(spry, () => app.listen(0, "127.0.0.1")) };
}

function guardMiddleware(guard: Guard): RequestHandler {
  return async (request, response, next) => {
    try {
      const refusal = await guard(request.url);
      if (!refusal) next();
      else
        response
          .status(refusal.status)
          .set(refusal.headers ?? {})
          .send(refusal.body);
    } catch (error) {
      next(error);
    }
  };
}
