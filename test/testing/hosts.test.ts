import { createServer, type Server } from "node:http";
import { createSpryWs, defineHooks } from "@spry-ws/core";
import { connect, refused } from "@spry-ws/testing";
import { describe, expect, it } from "vitest";
import { Queue } from "../fixtures/queue.ts";
import { expressApp } from "./apps.ts";

/** Says hello, so that a client is known to be open. */
const chat = defineHooks({ open: (peer) => peer.subscribe("room") });

/** The servers that an Express app makes in its `listen`, as they come. */
function withServers(app: ReturnType<typeof expressApp>): Server[] {
  const servers: Server[] = [];
  const listen = app.listen as (...args: unknown[]) => Server;
  app.listen = (...args: unknown[]) => {
    const server = Reflect.apply(listen, app, args);
    servers.push(server);
    return server;
  };
  return servers;
}

describe("the server that is made for an app", () => {
  it("is shared by the app's clients, and closed with the last of them", async () => {
    const app = expressApp(chat);
    const servers = withServers(app);
    const [one, two] = await Promise.all([connect(app, "/chat/a"), connect(app, "/chat/b")]);
    await one[Symbol.asyncDispose]();
    await using three = await connect(app, "/chat/c");
    await two[Symbol.asyncDispose]();
    expect(servers).toHaveLength(1);
    expect(servers[0]?.listening).toBe(true);
    await three[Symbol.asyncDispose]();
    expect(servers[0]?.listening).toBe(false);
  });

  it("is closed where the other side ended the connection, and made anew for the next client", async () => {
    const app = expressApp({ open: (peer) => peer.terminate() });
    const servers = withServers(app);
    await using client = await connect(app, "/chat/a");
    await client.closed;
    await using _next = await connect(app, "/chat/a");
    expect(servers).toHaveLength(2);
    expect(servers[0]?.listening).toBe(false);
  });

  it("is closed behind a refusal and a handshake that failed", async () => {
    const app = expressApp(chat);
    const servers = withServers(app);
    expect((await refused(app, "/unknown")).status).toBe(404);
    await expect(connect(app, "/", { protocols: "a b" })).rejects.toThrow();
    await expect(refused(app, "/chat/a")).rejects.toThrow();
    expect(servers.map(({ listening }) => listening)).toEqual([false, false, false]);
  });

  it("is not there where it cannot listen; the next client tries again", async () => {
    const app = expressApp(chat);
    const { listen } = app;
    app.listen = () => {
      throw new Error("no port left");
    };
    await expect(connect(app, "/chat/a")).rejects.toThrow("no port left");
    app.listen = listen;
    await using client = await connect(app, "/chat/a");
    expect(client.websocket.readyState).toBe(client.websocket.OPEN);
  });

  it("is one for all clients in memory too: they meet on its topics", async () => {
    const spry = createSpryWs();
    const app = spry.handler(chat);
    await using one = await connect(app);
    await using two = await connect(app);
    spry.publish("room", "both");
    expect([await one.text(), await two.text()]).toEqual(["both", "both"]);
  });
});

describe("a server in memory", () => {
  it("stops the side that is not read from, and loses nothing", async () => {
    const drained = new Queue<string>();
    const spry = createSpryWs({ highWaterMarkBytes: 1_000 });
    const app = spry.handler({
      open(peer) {
        for (let i = 0; i < 200; i++) peer.send(`${i}`.padEnd(10_000));
        drained.push(String(peer.bufferedAmount > 100_000));
      },
      drain: () => drained.push("drained"),
    });
    await using client = await connect(createServer(app));
    client.websocket.pause();
    expect(await drained.next()).toBe("true");
    expect(client.unread.length).toBeLessThan(200);
    client.websocket.resume();
    for (let i = 0; i < 200; i++) expect((await client.text()).trim()).toBe(String(i));
    expect(await drained.next()).toBe("drained");
  });

  it("ends its connections as one of the network does: code 1001 when the instance closes", async () => {
    const spry = createSpryWs();
    await using client = await connect(spry.handler(chat));
    await client.ping();
    await spry.close();
    expect((await client.closed).code).toBe(1001);
    expect(spry.peers.size).toBe(0);
  });

  it("finds half-open peers by its heartbeat", async () => {
    const spry = createSpryWs({ heartbeat: { intervalMs: 20, timeoutMs: 10 } });
    await using silent = await connect(spry.handler(chat), "/", { websocket: { autoPong: false } });
    expect((await silent.closed).code).toBe(1006);
  });
});
