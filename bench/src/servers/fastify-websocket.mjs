import websocket from "@fastify/websocket";
import fastify from "fastify";
import { announce, deflate, host, port } from "./contract.mjs";
import { ignoreErrors, publishNews, routes } from "./ws-roles.mjs";

const app = fastify();
await app.register(websocket, { options: { perMessageDeflate: deflate } });
for (const { path, play } of routes) {
  app.get(path, { websocket: true }, (socket, request) => play(ignoreErrors(socket), request.params.name));
}
app.get("/news", (_request, reply) => {
  publishNews();
  reply.code(204).send();
});
await app.listen({ port, host });
announce(app.server.address().port);
