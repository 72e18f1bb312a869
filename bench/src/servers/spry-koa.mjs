import Router from "@koa/router";
import { spryWs, ws } from "@spry-ws/koa";
import Koa from "koa";
import { announce, host, port } from "./contract.mjs";
import { routes } from "./spry-hooks.mjs";

const app = new Koa();
const spry = spryWs();
const router = new Router();
for (const { path, hooks } of routes) router.get(path, ws(hooks));
app.use(spry).use(router.routes());
const server = app.listen(port, host, () => announce(server.address().port));
spry.attach(server);
