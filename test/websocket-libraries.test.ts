import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { defineHooks, type Hooks, type Peer, useHeaders, useParam } from "@spry-ws/core";
import { useExpressRequest } from "@spry-ws/express";
import { useFastifyRequest } from "@spry-ws/fastify";
import { docs, setupWSConnection } from "@y/websocket-server/utils";
// Not "graphql": Vite would take its ES module, graphql-ws its CommonJS one, and a schema must be of the same.
import { buildSchema } from "graphql/index.js";
import { createClient, handleProtocols, makeServer } from "graphql-ws";
import { useServer } from "graphql-ws/use/ws";
import { afterEach, describe, expect, it } from "vitest";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";
import { WebsocketProvider } from "y-websocket";
import { Doc } from "yjs";
import { expressFive } from "./adapters/express.ts";
import { fastifyFive } from "./adapters/fastify.ts";
import { Client } from "./fixtures/client.ts";
import { until } from "./fixtures/example.ts";
import { Recorder } from "./fixtures/recorder.ts";
import { serve } from "./fixtures/serve.ts";

const frameworks = [
  { adapter: expressFive, request: (peer: Peer) => useExpressRequest(peer) },
  { adapter: fastifyFive, request: (peer: Peer) => useFastifyRequest(peer).raw },
];

// The recipes of docs/guide/websocket.md.
describe.each(frameworks)("on peer.websocket of $adapter.name", ({ adapter, request }) => {
  describe("y-websocket's setupWSConnection", () => {
    afterEach(() => {
      for (const doc of docs.values()) doc.destroy();
      docs.clear();
    });

    const join = (url: string, room: string) =>
      new WebsocketProvider(url, room, new Doc(), {
        WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
        // Otherwise documents of one process find each other past the server.
        disableBc: true,
      });

    it("brings two documents together, also what is written before the second one comes", async () => {
      const recorder = new Recorder();
      const hooks = defineHooks({
        open(peer) {
          setupWSConnection(peer.websocket, request(peer), { docName: useParam(peer, "room") });
        },
        close: () => recorder.note("close"),
      });
      await using app = await serve(adapter, { routes: { "/docs/:room": { hooks } } });
      const ada = join(app.url("/docs"), "one");
      ada.doc.getText("t").insert(0, "from Ada");
      await until(() => ada.synced);
      const bob = join(app.url("/docs"), "one");
      await until(() => bob.synced);
      expect(bob.doc.getText("t").toString()).toBe("from Ada");
      // Large enough to come in many chunks.
      bob.doc.getText("t").insert(0, `${"x".repeat(300_000)} from Bob, `);
      await until(() => ada.doc.getText("t").length === bob.doc.getText("t").length);
      expect(ada.doc.getText("t").toString()).toBe(bob.doc.getText("t").toString());
      bob.awareness.setLocalStateField("user", "Bob");
      await until(() => ada.awareness.getStates().get(bob.doc.clientID)?.["user"] === "Bob");
      bob.destroy();
      await recorder.until("close");
      await until(() => !ada.awareness.getStates().has(bob.doc.clientID));
      ada.destroy();
      await recorder.until("close");
      expect([app.spry.peers.size, app.logged]).toEqual([0, []]);
    });

    it("misses nothing where it is called only after something asynchronous", async () => {
      const hooks = defineHooks({
        async open(peer) {
          // The client says at once what it has.
          await until(() => app.spry.metrics().messagesReceived > 0);
          setupWSConnection(peer.websocket, request(peer), { docName: "late" });
        },
      });
      await using app = await serve(adapter, { routes: { "/docs/:room": { hooks } } });
      const ada = join(app.url("/docs"), "late");
      ada.doc.getText("t").insert(0, "early");
      await until(() => docs.get("late")?.getText("t").toString() === "early");
      ada.destroy();
    });
  });

  describe("graphql-ws", () => {
    const schema = buildSchema("type Query { ok: Boolean } type Subscription { count(from: Int!): Int }");
    async function* count({ from }: { from: number }): AsyncGenerator<{ count: number }> {
      for (let i = 0; i < 3; i++) yield { count: from + i };
    }
    const options = { schema, roots: { subscription: { count } } };

    /** A subscription through graphql-ws's own client. */
    const subscribe = async (url: string): Promise<void> => {
      const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
      for (const from of [1, 10]) {
        const results = [];
        for await (const { data } of client.iterate({ query: `subscription { count(from: ${from}) }` }))
          results.push(data);
        expect(results).toEqual([{ count: from }, { count: from + 1 }, { count: from + 2 }]);
      }
      await client.dispose();
    };

    const upgrade: Hooks["upgrade"] = (event) => {
      const protocol = handleProtocols(useHeaders(event).get("sec-websocket-protocol") ?? "");
      return protocol ? { protocol } : new Response("Ask for graphql-transport-ws", { status: 400 });
    };

    it("serves subscriptions by its handler for ws", async () => {
      // Takes the sockets that it is given, and no handshakes.
      const sockets = new WebSocketServer({ noServer: true });
      useServer(options, sockets);
      const recorder = new Recorder();
      const hooks = defineHooks({
        upgrade,
        open(peer) {
          sockets.emit("connection", peer.websocket, request(peer));
        },
        close: (_peer, code) => recorder.note(`close ${code}`),
      });
      await using app = await serve(adapter, { routes: { "/graphql": { hooks } } });
      await subscribe(app.url("/graphql"));
      await recorder.until("close 1000");
      await using client = await Client.open(app.url("/graphql"), { protocols: ["graphql-transport-ws"] });
      client.send("not JSON");
      expect(await client.closed).toEqual({ code: 4400, reason: "Invalid message received" });
    });

    it("serves subscriptions by its server for any socket", async () => {
      const server = makeServer(options);
      const hooks = defineHooks({
        upgrade,
        open({ websocket }) {
          const closed = server.opened(
            {
              protocol: websocket.protocol,
              send: (data) =>
                new Promise((resolve, reject) =>
                  websocket.send(data, (error) => (error ? reject(error) : resolve())),
                ),
              close: (code, reason) => websocket.close(code, reason),
              onMessage: (handle) => void websocket.on("message", (data) => handle(String(data))),
            },
            {},
          );
          websocket.once("close", (code, reason) => void closed(code, String(reason)));
        },
      });
      await using app = await serve(adapter, { routes: { "/graphql": { hooks } } });
      await subscribe(app.url("/graphql"));
      await using client = await Client.open(app.url("/graphql"), { protocols: ["graphql-transport-ws"] });
      client.send(JSON.stringify({ type: "subscribe", id: "1", payload: { query: "{ ok }" } }));
      expect(await client.closed).toEqual({ code: 4401, reason: "Unauthorized" });
    });
  });

  it("createWebSocketStream carries bytes to a server and back, until the client ends it", async () => {
    await using echo = await listenTcp((socket) => void socket.pipe(socket));
    const recorder = new Recorder();
    const hooks = defineHooks({
      async open(peer) {
        const stream = createWebSocketStream(peer.websocket);
        await pipeline(stream, connect(echo.port, "127.0.0.1"), stream);
        recorder.note("ended");
      },
      close: (_peer, code) => recorder.note(`close ${code}`),
    });
    await using app = await serve(adapter, { routes: { "/tunnel": { hooks } } });
    const client = await Client.open(app.url("/tunnel"));
    const parts = Array.from({ length: 64 }, (_, i) => Buffer.alloc(32_768, i));
    for (const part of parts) client.send(part);
    const sent = Buffer.concat(parts);
    const received: Buffer[] = [];
    for (let size = 0; size < sent.length; size += received.at(-1)?.length ?? 0)
      received.push((await client.next()) as Buffer);
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    client.socket.close(1000);
    await recorder.until("ended");
    await recorder.until("close 1000");
  });
});

async function listenTcp(
  onConnection: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number }> {
  const server = createServer(onConnection).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
