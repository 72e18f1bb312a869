import { spryWs } from "@spry-ws/fastify";
import fastify from "fastify";
import { announce, host, port } from "./contract.mjs";
import { routes } from "./spry-hooks.mjs";

const app = fastify();
await app.register(spryWs);
for (const { path, hooks } of routes) app.ws(path, hooks);
await app.listen({ port, host });
announce(app.server.address().port);
