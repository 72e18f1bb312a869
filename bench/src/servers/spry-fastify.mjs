import { spryWs } from "@spry-ws/fastify";
import fastify from "fastify";
import { announce, host, NEWS, port } from "./contract.mjs";
import { routesOf } from "./spry-hooks.mjs";
import { spryOptions } from "./spry-options.mjs";

const app = fastify();
await app.register(spryWs, spryOptions);
for (const { path, hooks } of await routesOf(app.spryWs)) app.ws(path, hooks);
app.get("/news", (_request, reply) => {
  app.spryWs.publish("room", NEWS);
  reply.code(204).send();
});
await app.spryWs.ready();
await app.listen({ port, host });
announce(app.server.address().port);
