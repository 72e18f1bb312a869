import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { whereOf } from "@spry-ws/example-page";
import { spryWs } from "@spry-ws/express";
import express from "express";
import { clicks } from "./clicks.ts";
import { builtPages, developmentPages } from "./pages.ts";

export interface Settings {
  readonly port: number;
  /** Vite's development server; otherwise what `vite build` has made. */
  readonly isDevelopment: boolean;
}

export interface Running {
  readonly port: number;
  stop(): Promise<void>;
}

/** Port 0 is any free one. Rejects if the port cannot be had. */
export async function start({ port, isDevelopment }: Settings): Promise<Running> {
  const app = express();
  // Vite needs the server before it listens, so `app.listen` comes too late.
  const server = createServer(app);
  const pages = isDevelopment ? await developmentPages(server) : builtPages();

  // Handshakes for other paths are not looked at: they go straight to Vite.
  const spry = spryWs({ path: "/clicks", maxPayload: 16, rateLimit: { messages: 20 } });
  app.disable("x-powered-by");
  app.use(spry);
  app.ws("/clicks", clicks(spry));
  app.get("/where", (_request, response) => void response.type("text").send(whereOf("express")));
  // Behind the routes of the app: Vite answers every path with its page.
  app.use(pages.handler);
  spry.attach(server);

  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = once(server, "close");
      server.close();
      await spry.close({ deadlineMs: 2_000 });
      await pages.close();
      // Browsers open connections ahead of need, for which `server.close()` waits.
      server.closeAllConnections();
      await closed;
    },
  };
}
