import { createServer } from "node:http";
import type { Socket } from "node:net";
import { createSpryWs, type Peer } from "@spry-ws/core";
import { expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { listen } from "../fixtures/listen.ts";

// In a file of its own: what reads a socket is learnt from the first connection of a process.
it("reads past ws also where the first connection of the process has a data listener of the user's", async () => {
  const spry = createSpryWs();
  const listeners: unknown[][] = [];
  const server = createServer(
    spry.handler({
      open(peer: Peer) {
        listeners.push((Reflect.get(peer.websocket, "_socket") as Socket).listeners("data"));
        peer.send("open");
      },
      message: (peer, message) => peer.send(message),
    }),
  );
  spry.attach(server);
  const count = (): void => {};
  server.once("connection", (socket) => socket.on("data", count));
  await using running = await listen(server);
  for (const text of ["first", "second"]) {
    await using client = await Client.open(running.url("/"));
    expect(await client.next()).toBe("open");
    client.send(text);
    expect(await client.next()).toBe(text);
  }
  const [[user, engine] = [], [reader] = []] = listeners;
  expect(user).toBe(count);
  expect(engine).toBeTypeOf("function");
  expect(reader).toBeTypeOf("function");
  expect(reader).not.toBe(engine);
});
