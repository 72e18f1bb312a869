import { once } from "node:events";
import { spryWs, ws } from "@spry-ws/koa";
import Koa from "koa";
import { createChat, optionsIn } from "./chat.ts";
import { pages } from "./pages.ts";
import type { Room } from "./room.ts";
import { type Stop, stopServer } from "./stop.ts";

/** Rejects if the port cannot be had. */
export async function startKoa(room: Room, port: number, host: string): Promise<Stop> {
  const app = new Koa();
  const spry = spryWs(optionsIn(room));
  app.use(spry);
  app.use(ws("/chat", createChat(spry, room, "koa")));
  app.use((context) => {
    const page = pages.get(context.path);
    if (!page || !["GET", "HEAD"].includes(context.method)) return;
    context.set(page.headers);
    context.body = page.body;
  });

  const server = app.listen(port, host);
  spry.attach(server);
  await once(server, "listening");
  return () => stopServer(server, spry);
}
