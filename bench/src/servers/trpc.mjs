import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocketServer } from "ws";
import { z } from "zod";
import { announce, host, port } from "./contract.mjs";
import { ignoreErrors } from "./ws-roles.mjs";

const { procedure, router } = initTRPC.create();
const server = new WebSocketServer({ port, host });
server.on("connection", ignoreErrors);
applyWSSHandler({
  wss: server,
  router: router({
    echo: procedure
      .input(z.string())
      .output(z.string())
      .mutation(({ input }) => input),
  }),
});
server.on("listening", () => announce(server.address().port));
