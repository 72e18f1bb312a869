import { createServer } from "node:http";
import nodeAdapter from "crossws/adapters/node";
import { hasRedis, redisUrl } from "./brokers.mjs";
import { ACKNOWLEDGEMENT, deflate, listen, NEWS, parsePath, threeTopics, topicOf } from "./contract.mjs";

async function sync() {
  if (!hasRedis) return {};
  const [{ Redis }, { redis }] = await Promise.all([import("ioredis"), import("crossws/sync")]);
  return { sync: redis({ client: new Redis(redisUrl), channel: "bench-crossws" }) };
}

/** @type {Record<string, (peer: import("crossws").Peer, message: import("crossws").Message) => void>} */
const onMessage = {
  echo(peer, message) {
    peer.send(message.rawData);
  },
  publish(peer, message) {
    peer.publish(peer.context.name, message.rawData);
  },
  direct(peer, message) {
    peer.publish(message.text(), message.rawData);
  },
  // As in crossws's own benchmark.
  room(peer, message) {
    const text = message.text();
    peer.send(text);
    peer.publish("room", text);
  },
  acknowledged(peer, message) {
    onMessage.room(peer, message);
    peer.send(ACKNOWLEDGEMENT);
  },
  topics(peer, message) {
    const text = message.text();
    peer.send(text);
    peer.publish(topicOf(text), text);
  },
};

const ws = nodeAdapter({
  hooks: {
    upgrade(request) {
      const [role, name] = parsePath(new URL(request.url).pathname);
      // Its topics reach only peers of the same path, unless told otherwise.
      return { namespace: "bench", context: { role, name } };
    },
    open(peer) {
      const { role, name } = peer.context;
      if (role === "topic") peer.subscribe(name);
      if (role === "room" || role === "acknowledged") peer.subscribe("room");
      if (role === "topics") for (const topic of threeTopics) peer.subscribe(topic);
    },
    message(peer, message) {
      onMessage[peer.context.role](peer, message);
    },
  },
  serverOptions: { perMessageDeflate: deflate },
  ...(await sync()),
});
const server = createServer((_request, response) => {
  ws.publish("room", NEWS, { namespace: "bench" });
  response.writeHead(204).end();
});
server.on("upgrade", ws.handleUpgrade);
listen(server);
