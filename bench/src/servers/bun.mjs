// Run by Bun: its native server.
import {
  ACKNOWLEDGEMENT,
  announce,
  deflate,
  host,
  NEWS,
  parsePath,
  port,
  threeTopics,
  topicOf,
} from "./contract.mjs";

/** @type {Record<string, (socket: any, message: string | Buffer) => void>} */
const onMessage = {
  echo(socket, message) {
    socket.send(message);
  },
  publish(socket, message) {
    socket.publish(socket.data.name, message, compress);
  },
  direct(socket, message) {
    socket.publish(message, message);
  },
  room(socket, message) {
    socket.publish("room", message);
  },
  acknowledged(socket, message) {
    socket.publish("room", message);
    socket.send(ACKNOWLEDGEMENT);
  },
  topics(socket, message) {
    socket.publish(topicOf(message), message);
  },
};

const compress = Boolean(deflate);
const server = globalThis.Bun.serve({
  port,
  hostname: host,
  fetch(request, server) {
    const [role, name] = parsePath(new URL(request.url).pathname);
    if (role === "news") {
      server.publish("room", NEWS);
      return new Response(null, { status: 204 });
    }
    if (!server.upgrade(request, { data: { role, name } })) return new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: compress,
    publishToSelf: true,
    open(socket) {
      const { role, name } = socket.data;
      if (role === "topic") socket.subscribe(name);
      if (role === "room" || role === "acknowledged") socket.subscribe("room");
      if (role === "topics") for (const topic of threeTopics) socket.subscribe(topic);
    },
    message(socket, message) {
      onMessage[socket.data.role](socket, message);
    },
  },
});
announce(server.port);
