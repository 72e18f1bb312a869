// A process that serves with Redis and then closes its server, and nothing else, for redis-exit.test.ts.
import { createServer } from "node:http";
import { createSpryWs } from "@spry-ws/core";
import { redis } from "@spry-ws/redis";

const [library, url] = process.argv.slice(2);

async function create() {
  if (library.startsWith("ioredis")) {
    const { Redis } = await import(library === "ioredis 5" ? "ioredis5" : "ioredis");
    return new Redis(url, { lazyConnect: true });
  }
  const { createClient } = await import(library === "node-redis 5" ? "redis5" : "redis");
  return createClient({ url });
}

const backplane = redis({ client: await create() });
const spry = createSpryWs({ backplane, shutdown: { deadlineMs: 1_000 } });
const server = createServer(spry.handler({ close: (peer) => spry.publish("room", `left ${peer.id}`) }));
spry.attach(server);
await spry.ready();
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
// What lives on for longer than the deadline allows is a failure, and must not be left behind.
setTimeout(() => process.exit(3), 15_000).unref();
process.once("message", () => {
  process.disconnect();
  server.close(() => console.log("closed"));
});
