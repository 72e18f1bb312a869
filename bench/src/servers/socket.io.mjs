import { createServer } from "node:http";
import { Server } from "socket.io";
import { hasRedis, redisUrl } from "./brokers.mjs";
import { ACKNOWLEDGEMENT, listen, NEWS, parsePath, threeTopics, topicOf } from "./contract.mjs";

async function adapter() {
  if (!hasRedis) return {};
  const [{ Redis }, { createAdapter }] = await Promise.all([
    import("ioredis"),
    import("@socket.io/redis-adapter"),
  ]);
  const client = new Redis(redisUrl);
  return { adapter: createAdapter(client, client.duplicate(), { key: "bench-socket.io" }) };
}

const server = createServer((_request, response) => {
  io.to("room").emit("m", NEWS);
  response.writeHead(204).end();
});
const io = new Server(server, {
  transports: ["websocket"],
  serveClient: false,
  // A message of 1 MiB is above the default.
  maxHttpBufferSize: 2_000_000,
  // The load counts bytes: no pings in between.
  pingInterval: 600_000,
  ...(await adapter()),
});

/** @type {Record<string, (socket: import("socket.io").Socket, name: string) => void>} */
const roles = {
  echo(socket) {
    socket.on("m", (data) => socket.emit("m", data));
  },
  request(socket) {
    socket.on("q", (data, answer) => answer(data));
  },
  topic(socket, name) {
    socket.join(name);
  },
  publish(socket, name) {
    socket.on("m", (data) => io.to(name).emit("m", data));
  },
  direct(socket) {
    socket.on("m", (data) => io.to(data).emit("m", data));
  },
  room(socket) {
    socket.join("room");
    socket.on("m", (data) => io.to("room").emit("m", data));
  },
  acknowledged(socket) {
    socket.join("room");
    socket.on("m", (data) => {
      io.to("room").emit("m", data);
      socket.emit("m", ACKNOWLEDGEMENT);
    });
  },
  topics(socket) {
    socket.join(threeTopics);
    socket.on("m", (data) => io.to(topicOf(data)).emit("m", data));
  },
  idle() {},
};

io.on("connection", (socket) => {
  const [role, name] = parsePath(socket.handshake.query.path);
  roles[role](socket, name);
});
listen(server);
