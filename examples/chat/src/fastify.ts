import { spryWs } from "@spry-ws/fastify";
import { fastify } from "fastify";
import { createChat, optionsIn } from "./chat.ts";
import { pages } from "./pages.ts";
import type { Room } from "./room.ts";
import { deadlineMs, type Stop } from "./stop.ts";

/** Rejects if the port cannot be had. */
export async function startFastify(room: Room, port: number, host: string): Promise<Stop> {
  // Browsers open connections ahead of need: without `true`, closing waits for a request that never comes.
  const app = fastify({ forceCloseConnections: true });
  await app.register(spryWs, { ...optionsIn(room), shutdown: { deadlineMs } });

  app.ws("/chat", createChat(app.spryWs, room, "fastify"));
  for (const [path, { headers, body }] of pages) {
    app.get(path, (_request, reply) => reply.headers(headers).send(body));
  }

  await app.listen({ port, host });
  return () => app.close();
}
