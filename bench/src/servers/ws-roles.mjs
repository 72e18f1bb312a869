// The contract's roles on sockets of `ws`, which has no topics: a Map of Sets and a loop over the sockets, as its README does it.
// Used by the libraries that hand out such sockets.
import { ACKNOWLEDGEMENT, NEWS, routeOf, threeTopics, topicOf } from "./contract.mjs";

const OPEN = 1;

/** @type {Map<string, Set<import("ws").WebSocket>>} */
const topics = new Map();

function join(topic, socket) {
  if (!topics.has(topic)) topics.set(topic, new Set());
  const sockets = topics.get(topic);
  sockets.add(socket);
  socket.on("close", () => {
    sockets.delete(socket);
    if (sockets.size === 0) topics.delete(topic);
  });
}

function publish(topic, data, binary) {
  for (const socket of topics.get(topic) ?? []) {
    if (socket.readyState === OPEN) socket.send(data, { binary });
  }
}

// ws 7, which express-ws brings along, gives no second argument: its text messages are strings.
const isBytes = (data) => typeof data !== "string";

/** @type {Record<string, (socket: import("ws").WebSocket, name: string) => void>} */
export const roles = {
  echo(socket) {
    socket.on("message", (data, binary = isBytes(data)) => socket.send(data, { binary }));
  },
  topic(socket, name) {
    join(name, socket);
  },
  publish(socket, name) {
    socket.on("message", (data, binary = isBytes(data)) => publish(name, data, binary));
  },
  direct(socket) {
    socket.on("message", (data, binary = isBytes(data)) => publish(data.toString(), data, binary));
  },
  room(socket) {
    join("room", socket);
    socket.on("message", (data, binary = isBytes(data)) => publish("room", data, binary));
  },
  acknowledged(socket) {
    join("room", socket);
    socket.on("message", (data, binary = isBytes(data)) => {
      publish("room", data, binary);
      socket.send(ACKNOWLEDGEMENT);
    });
  },
  topics(socket) {
    for (const topic of threeTopics) join(topic, socket);
    socket.on("message", (data, binary = isBytes(data)) => publish(topicOf(data.toString()), data, binary));
  },
  idle() {},
};

/** What an HTTP handler does. */
export function publishNews() {
  publish("room", NEWS, false);
}

export const routes = Object.entries(roles).map(([role, play]) => ({ path: routeOf(role), play }));

/** A client that is cut off is no news here. */
export function ignoreErrors(socket) {
  socket.on("error", () => {});
  return socket;
}
