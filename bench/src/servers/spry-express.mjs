import { spryWs } from "@spry-ws/express";
import express from "express";
import { announce, host, port } from "./contract.mjs";
import { routes } from "./spry-hooks.mjs";

const app = express();
app.use(spryWs());
for (const { path, hooks } of routes) app.ws(path, hooks);
const server = app.listen(port, host, () => announce(server.address().port));
