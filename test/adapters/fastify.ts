import spryWs, { useFastifyRequest, ws } from "@spry-ws/fastify";
import Fastify, { type preHandlerAsyncHookHandler, type RouteHandlerMethod } from "fastify";
import type { Adapter, AppSpec, BuiltApp } from "../fixtures/adapter.ts";

export const fastifyFive: Adapter = {
  name: "fastify 5",
  hasFramework: true,
  build,
  nativePath: (event) => useFastifyRequest(event).originalUrl,
};

async function build({ routes, options, trustProxy = false }: AppSpec): Promise<BuiltApp> {
  const app = Fastify({ trustProxy, forceCloseConnections: true });
  const logged: unknown[] = [];
  await app.register(spryWs, { onError: (error) => logged.push(error), ...options });
  app.setErrorHandler((error, _request, reply) => {
    logged.push(error);
    return reply.code(500).send("fastify: internal error");
  });
  for (const [path, { hooks, text, guard, headers }] of Object.entries(routes)) {
    if (headers) {
      app.addHook("onRequest", async ({ url }, reply) => {
        if (url === path) reply.headers(headers);
      });
    }
    const fallback: RouteHandlerMethod = async () => text;
    const preHandler: preHandlerAsyncHookHandler = async (request, reply) => {
      const refusal = await guard?.(request.url);
      return (
        refusal &&
        reply
          .code(refusal.status)
          .headers({ ...refusal.headers })
          .send(refusal.body)
      );
    };
    if (!hooks) app.get(path, { preHandler }, fallback);
    else if (guard && text !== undefined) app.get(path, { ws: hooks, preHandler }, fallback);
    else if (guard) app.get(path, { preHandler }, ws(hooks));
    else app.ws(path, hooks, text === undefined ? undefined : fallback);
  }
  return {
    spry: app.spryWs,
    logged,
    async listen() {
      await app.listen({ port: 0, host: "127.0.0.1" });
      return app.server;
    },
    async close() {
      await app.spryWs.close({ deadlineMs: 0 });
      await app.close();
    },
  };
}
