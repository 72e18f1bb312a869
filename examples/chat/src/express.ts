import { once } from "node:events";
import { spryWs } from "@spry-ws/express";
import express from "express";
import { createChat, optionsIn } from "./chat.ts";
import { pages } from "./pages.ts";
import type { Room } from "./room.ts";
import { type Stop, stopServer } from "./stop.ts";

/** Rejects if the port cannot be had. */
export async function startExpress(room: Room, port: number, host: string): Promise<Stop> {
  const app = express();
  const spry = spryWs(optionsIn(room));
  app.use(spry);
  app.ws("/chat", createChat(spry, room, "express"));
  for (const [path, { headers, body }] of pages) {
    app.get(path, (_request, response) => response.set(headers).send(body));
  }

  const server = app.listen(port, host);
  await once(server, "listening");
  return () => stopServer(server, spry);
}
