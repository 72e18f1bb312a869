import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Router } from "@koa/router";
import { type SpryWs, spryWs, ws } from "@spry-ws/koa";
import Koa from "koa";
import { Arena, options } from "./arena.ts";
import type { Loop } from "./loop.ts";
import { pages } from "./pages.ts";

export interface Running {
  readonly port: number;
  readonly spry: SpryWs;
  readonly loop: Loop;
  stop(): Promise<void>;
}

/** Port 0 is any free one. Rejects if the port cannot be had. */
export async function start({ port }: { port: number }): Promise<Running> {
  const app = new Koa();
  const router = new Router();
  const spry = spryWs(options);
  const arena = new Arena(spry);

  router.get("/play", ws(arena.hooks));
  for (const [path, { headers, body }] of pages) {
    router.get(path, (context) => {
      context.set(headers);
      context.body = body;
    });
  }
  app.use(spry);
  app.use(router.routes()).use(router.allowedMethods());

  const server = app.listen(port, "127.0.0.1");
  spry.attach(server);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    spry,
    loop: arena.loop,
    async stop() {
      const closed = once(server, "close");
      server.close();
      await spry.close({ deadlineMs: 2_000 });
      // Browsers open connections ahead of need, for which `server.close()` waits.
      server.closeAllConnections();
      await closed;
    },
  };
}
