import { createServer, type RequestListener } from "node:http";
import { createSpryWs, type Event, type HttpFallback, useRequestURI } from "@spry-ws/core";
import type { Adapter, AppSpec, BuiltApp, Route } from "../fixtures/adapter.ts";
import { nodeServer } from "../fixtures/node-server.ts";

export const http: Adapter = {
  name: "node:http",
  hasFramework: false,
  build,
  nativePath: (event: Event) => useRequestURI(event).pathname,
};

function build({ routes, options }: AppSpec): BuiltApp {
  const logged: unknown[] = [];
  const spry = createSpryWs({ onError: (error) => logged.push(error), ...options });
  const handlers = new Map(Object.entries(routes).map(([path, route]) => [path, handler(route)]));

  function handler({ hooks, text, guard, headers = {} }: Route): RequestListener {
    const fallback: HttpFallback = (_request, response) => void response.end(text);
    const handle = hooks ? spry.handler(hooks, text === undefined ? undefined : fallback) : fallback;
    return async (request, response) => {
      try {
        response.setHeaders(new Map(Object.entries(headers)));
        const refusal = await guard?.(request.url ?? "/");
        if (refusal) response.writeHead(refusal.status, refusal.headers).end(refusal.body);
        else handle(request, response, {});
      } catch (error) {
        logged.push(error);
        response.writeHead(500).end("http: internal error");
      }
    };
  }

  const server = createServer((request, response) => {
    const [path = "/"] = (request.url ?? "/").replace(/^\w+:\/\/[^/]+/, "").split("?", 1);
    const route = handlers.get(path);
    if (route) route(request, response);
    else response.writeHead(404).end("http: not found");
  });
  spry.attach(server);
  return { spry, logged, ...nodeServer(spry, () => server.listen(0, "127.0.0.1")) };
}
