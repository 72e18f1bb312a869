// A process that serves with Redis over TLS, for redis-tls.test.ts: it tells what happens to the backplane, and answers while it lives.
import { createServer } from "node:http";
import { createSpryWs } from "@spry-ws/core";
import { redis } from "@spry-ws/redis";

const [library, url, ca] = process.argv.slice(2);
const tls = { ca, servername: "localhost" };

async function create() {
  if (library.startsWith("ioredis")) {
    const { Redis } = await import(library === "ioredis 5" ? "ioredis5" : "ioredis");
    return new Redis(url, { lazyConnect: true, tls });
  }
  const { createClient } = await import(library === "node-redis 5" ? "redis5" : "redis");
  return createClient({ url, socket: { tls: true, ...tls } });
}

const client = await create();
client.on("error", () => {});
const spry = createSpryWs({ backplane: redis({ client }), onError: (error) => process.send(error.message) });
const server = createServer().listen(0, "127.0.0.1");
spry.attach(server);
process.on("message", async (message) => {
  if (message === "ready") {
    const answer = await spry.ready({ timeoutMs: 3_000 }).then(
      () => "is ready",
      (error) => `is not ready: ${error.message}`,
    );
    process.send(answer);
  } else {
    await spry.close();
    server.close();
    process.disconnect();
  }
});
