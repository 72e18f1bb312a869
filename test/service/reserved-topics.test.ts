import { once } from "node:events";
import { createServer } from "node:http";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { createService, presence } from "@spry-ws/service";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { listen } from "../fixtures/listen.ts";

const contract = defineContract({ topics: { "rooms/:room": { message: z.string(), presence: z.string() } } });

/** An app whose plain hooks take the names of topics from clients, beside a service and a lobby of plain hooks. */
async function serve() {
  const spry = createSpryWs();
  const service = createService(spry, contract, {
    topics: { "rooms/:room": { subscribe: true, presence: () => undefined } },
  });
  const lobby = presence<string>({ spry, topic: "lobby" });
  const errors: unknown[] = [];
  const server = createServer(
    spry.handler({
      message(peer, message) {
        const { subscribe, publish, data } = message.json<Record<string, string>>();
        if (subscribe !== undefined) peer.subscribe(subscribe);
        if (publish !== undefined) peer.publish(publish, data as string);
        peer.send("done");
      },
      error: (_peer, error) => void errors.push(error),
    }),
  );
  spry.attach(server);
  const { url } = await listen(server);
  const room = service.presence("rooms/:room", { room: "1" });
  await Promise.all([room.ready(), lobby.ready()]);
  return {
    service,
    room,
    lobby,
    errors,
    /** @returns all that the client was sent, and how it was closed */
    async ask(command: object, meanwhile: () => void = () => {}) {
      const socket = new WebSocket(url("/"));
      const texts: string[] = [];
      socket.on("message", (data) => texts.push(String(data)));
      await once(socket, "open");
      const ended = Promise.race([once(socket, "close"), once(socket, "message")]);
      socket.send(JSON.stringify(command));
      await ended;
      meanwhile();
      socket.send("{}");
      if (socket.readyState !== WebSocket.CLOSED) await once(socket, "message");
      socket.terminate();
      return texts;
    },
    async [Symbol.asyncDispose]() {
      await spry.close({ deadlineMs: 0 });
      server.close();
    },
  };
}

const forged = JSON.stringify(["d", "forger", 1, [["mallory", 1, "was here"]], []]);
const refused = expect.objectContaining({
  code: "SPRY_WS_TOPIC",
  message: expect.stringContaining('names of topics that begin with "spry." are those of services'),
});

describe("a client that may name the topics of plain hooks", () => {
  it.each(["spry.v1.presence:rooms/1", "spry.presence:lobby"])(
    "forges nobody who is there: %s",
    async (topic) => {
      await using app = await serve();
      const texts = await app.ask({ publish: topic, data: forged });
      // What other processes say is told after 50 ms at most.
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect([app.room.count, app.lobby.count]).toEqual([0, 0]);
      expect(texts).toEqual([]);
      expect(app.errors).toEqual([refused]);
    },
  );

  it("gets nothing that a service sends to those whom it has allowed", async () => {
    await using app = await serve();
    const texts = await app.ask({ subscribe: "spry.v1:rooms/1" }, () =>
      app.service.publish("rooms/:room", { room: "1" }, "secret"),
    );
    expect(texts).toEqual([]);
    expect(app.errors).toEqual([refused]);
  });

  it("may use all other names", async () => {
    await using app = await serve();
    for (const topic of ["spry", "sprys.v1:rooms/1", "", "__proto__", "rooms/1"])
      expect(await app.ask({ subscribe: topic, publish: topic, data: "x" })).toEqual(["done", "done"]);
    expect(app.errors).toEqual([]);
  });
});
