// The limit of what Node's sockets can do: bytes are handed on as they come, without a look at them. In place of the handshake
// a client sends its path and a newline.
import { createServer } from "node:net";
import { listen, parsePath } from "./contract.mjs";

/** @type {Map<string, Set<import("node:net").Socket>>} */
const topics = new Map();

function join(topic, socket) {
  if (!topics.has(topic)) topics.set(topic, new Set());
  const sockets = topics.get(topic);
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
}

function publish(topic, bytes) {
  for (const socket of topics.get(topic) ?? []) socket.write(bytes);
}

/** @type {Record<string, (socket: import("node:net").Socket, name: string) => void>} */
const roles = {
  echo(socket) {
    socket.on("data", (bytes) => socket.write(bytes));
  },
  topic(socket, name) {
    join(name, socket);
  },
  publish(socket, name) {
    socket.on("data", (bytes) => publish(name, bytes));
  },
  room(socket) {
    join("room", socket);
    socket.on("data", (bytes) => publish("room", bytes));
  },
  idle() {},
};

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => {});
  socket.once("data", (line) => {
    const [role, name] = parsePath(line.toString().trim());
    roles[role](socket, name);
    socket.resume();
    socket.write("ready\n");
  });
});
listen(server);
