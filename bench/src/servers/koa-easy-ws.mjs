import Router from "@koa/router";
import Koa from "koa";
import easyWs from "koa-easy-ws";
import { announce, deflate, host, port } from "./contract.mjs";
import { ignoreErrors, publishNews, routes } from "./ws-roles.mjs";

const app = new Koa();
const router = new Router();
for (const { path, play } of routes) {
  router.get(path, async (ctx) => play(ignoreErrors(await ctx.ws()), ctx.params.name));
}
router.get("/news", (ctx) => {
  publishNews();
  ctx.status = 204;
});
app.use(easyWs("ws", { wsOptions: { perMessageDeflate: deflate } })).use(router.routes());
const server = app.listen(port, host, () => announce(server.address().port));
