// Socket.IO with its adapter for Redis streams and recovery of connections, as its documentation shows both.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { answerWith } from "../asked.mjs";
import { redisUrl } from "../servers/brokers.mjs";
import { PREFIX } from "./stores.mjs";
import { publishAll } from "./work.mjs";

const client = new Redis(redisUrl);
const streamName = `${PREFIX}socket.io`;
const server = createServer();
const io = new Server(server, {
  transports: ["websocket"],
  serveClient: false,
  // The load counts frames: no pings in between.
  pingInterval: 600_000,
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
  adapter: createAdapter(client, {
    streamName,
    maxLen: 200_000,
    sessionKeyPrefix: `${PREFIX}session:`,
  }),
});
io.on("connection", (socket) => {
  if (!socket.recovered) socket.join("feed");
});

server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () =>
  answerWith(
    {
      /** Nothing tells when an `emit` is stored: the stream's length does. */
      async publish({ count, inFlight, text }) {
        const before = await client.xlen(streamName);
        let waiting = 0;
        return publishAll({
          count,
          inFlight,
          publish: () => io.to("feed").emit("m", text),
          async until(sent) {
            while (sent - waiting > inFlight) {
              waiting = (await client.xlen(streamName)) - before;
            }
          },
        });
      },
      cpuMs() {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1_000;
      },
    },
    { port: server.address().port },
  ),
);
