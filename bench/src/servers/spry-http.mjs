import { createServer } from "node:http";
import { createSpryWs } from "@spry-ws/core";
import { deflate, listen, parsePath } from "./contract.mjs";
import { spryBackplane } from "./spry-backplane.mjs";
import { roles } from "./spry-hooks.mjs";

const spry = createSpryWs({ perMessageDeflate: deflate, ...(await spryBackplane()) });
const handlers = Object.fromEntries(
  Object.entries(roles).map(([role, hooks]) => [role, spry.handler(hooks)]),
);
const server = createServer((request, response) => {
  const [role, name] = parsePath(request.url);
  handlers[role](request, response, { name });
});
spry.attach(server);
await spry.ready();
listen(server);
