// Run by Bun: its native server.
import { announce, deflate, host, parsePath, port } from "./contract.mjs";

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
};

const compress = Boolean(deflate);
const server = globalThis.Bun.serve({
  port,
  hostname: host,
  fetch(request, server) {
    const [role, name] = parsePath(new URL(request.url).pathname);
    if (!server.upgrade(request, { data: { role, name } })) return new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: compress,
    publishToSelf: true,
    open(socket) {
      const { role, name } = socket.data;
      if (role === "topic") socket.subscribe(name);
      if (role === "room") socket.subscribe("room");
    },
    message(socket, message) {
      onMessage[socket.data.role](socket, message);
    },
  },
});
announce(server.port);
