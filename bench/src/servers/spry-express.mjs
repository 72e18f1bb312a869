import { spryWs } from "@spry-ws/express";
import express from "express";
import { announce, host, NEWS, port } from "./contract.mjs";
import { routesOf } from "./spry-hooks.mjs";
import { spryOptions } from "./spry-options.mjs";

const app = express();
const spry = spryWs(spryOptions);
app.use(spry);
for (const { path, hooks } of await routesOf(spry)) app.ws(path, hooks);
app.get("/news", (_request, response) => {
  spry.publish("room", NEWS);
  response.status(204).end();
});
await spry.ready();
const server = app.listen(port, host, () => announce(server.address().port));
