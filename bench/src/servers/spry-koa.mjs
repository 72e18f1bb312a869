import Router from "@koa/router";
import { spryWs, ws } from "@spry-ws/koa";
import Koa from "koa";
import { announce, host, NEWS, port } from "./contract.mjs";
import { routesOf } from "./spry-hooks.mjs";
import { spryOptions } from "./spry-options.mjs";

const app = new Koa();
const spry = spryWs(spryOptions);
const router = new Router();
for (const { path, hooks } of await routesOf(spry)) router.get(path, ws(hooks));
router.get("/news", (ctx) => {
  spry.publish("room", NEWS);
  ctx.status = 204;
});
app.use(spry).use(router.routes());
await spry.ready();
const server = app.listen(port, host, () => announce(server.address().port));
spry.attach(server);
