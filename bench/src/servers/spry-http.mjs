import { createServer } from "node:http";
import { createSpryWs } from "@spry-ws/core";
import { listen, NEWS, parsePath } from "./contract.mjs";
import { routesOf } from "./spry-hooks.mjs";
import { spryOptions } from "./spry-options.mjs";

const spry = createSpryWs(spryOptions);
const routes = await routesOf(spry);
const handlers = Object.fromEntries(routes.map(({ role, hooks }) => [role, spry.handler(hooks)]));
const server = createServer((request, response) => {
  const [role, name] = parsePath(request.url);
  if (role === "news") {
    spry.publish("room", NEWS);
    return response.writeHead(204).end();
  }
  handlers[role](request, response, { name });
});
spry.attach(server);
await spry.ready();
listen(server);
