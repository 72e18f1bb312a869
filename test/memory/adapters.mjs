// An app of each kind, in a process of its own.
import { createServer } from "node:http";

const hooks = { open() {}, message: (peer, message) => void peer.send(message) };

/** @type {Record<string, (options: object) => Promise<import("node:http").Server>>} */
export const adapters = {
  async http(options) {
    const { createSpryWs } = await import("@spry-ws/core");
    const spry = createSpryWs(options);
    const server = createServer(spry.handler(hooks));
    spry.attach(server);
    return server.listen(0, "127.0.0.1");
  },
  async express(options) {
    const { spryWs } = await import("@spry-ws/express");
    const { default: express } = await import("express");
    const app = express();
    app.use(spryWs(options));
    app.ws("/:room", hooks);
    return app.listen(0, "127.0.0.1");
  },
  async koa(options) {
    const { spryWs, ws } = await import("@spry-ws/koa");
    const { default: Koa } = await import("koa");
    const { default: Router } = await import("@koa/router");
    const spry = spryWs(options);
    const router = new Router();
    router.get("/:room", ws(hooks));
    const server = new Koa().use(spry).use(router.routes()).listen(0, "127.0.0.1");
    spry.attach(server);
    return server;
  },
  async fastify(options) {
    const { spryWs } = await import("@spry-ws/fastify");
    const { default: fastify } = await import("fastify");
    const app = fastify();
    await app.register(spryWs, options);
    app.ws("/:room", hooks);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server;
  },
};
