import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { Client } from "../fixtures/client.ts";
import { collectGarbage } from "../fixtures/memory.ts";
import { frameworks } from "./fixtures/frameworks.ts";
import { chat, open } from "./fixtures/open.ts";

/** A neighbour that accepts after a while, and keeps the request as Socket.IO does. */
function neighbour(delayMs: number): {
  attach(server: Server): void;
  connections: [WebSocket, IncomingMessage][];
} {
  const sockets = new WebSocketServer({ noServer: true });
  const connections: [WebSocket, IncomingMessage][] = [];
  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      connections.push([websocket, request]);
      websocket.on("message", (data) => websocket.send(data));
    });
  const listener = (...args: Parameters<typeof accept>) =>
    void (delayMs === 0 ? accept(...args) : setTimeout(accept, delayMs, ...args));
  return { attach: (server) => server.on("upgrade", listener), connections };
}

describe.each(frameworks)("the page of $name that a neighbour's handshake has no use for", (framework) => {
  it.each([
    ["answers at once", 0, 10_000],
    ["answers later", 20, 100],
    ["answers, and handshakeTimeoutMs is off", 20, 0],
  ])("is not kept for the life of its connection: it %s", async (_how, delayMs, handshakeTimeoutMs) => {
    const pages: WeakRef<Buffer>[] = [];
    const page = () => {
      const bytes = Buffer.alloc(102_400, "x");
      pages.push(new WeakRef(bytes));
      return bytes;
    };
    const { attach, connections } = neighbour(delayMs);
    await using site = await open(framework, {
      parts: [{ path: "/chat", hooks: chat, options: { handshakeTimeoutMs } }],
      before: attach,
      page,
    });
    await using client = await Client.open(site.url("/theirs"));
    await pause(delayMs === 0 ? 0 : handshakeTimeoutMs + 50);
    client.send("x");
    await client.next();
    await pause(0); // A WeakRef holds what it gave or got in this turn.
    collectGarbage();
    expect(pages).toHaveLength(1);
    expect(pages[0]?.deref()).toBeUndefined();
    expect(connections).toHaveLength(1);
    expect(client.socket.readyState).toBe(1);
  });
});
