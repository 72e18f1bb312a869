import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createNetwork } from "@spry-ws/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

let server: Server;
const accepted: Socket[] = [];

beforeAll(async () => {
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, "data")) as [Buffer];
  return data.toString();
}

/** Unlike `once`, it is not interested in the error before it. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.on("close", resolve));
}

describe("a network", () => {
  it("passes what is sent, both ways", async () => {
    await using network = await createNetwork(server);
    const socket = await open(network.port);
    expect(await echo(socket, "hello")).toBe("hello");
    expect(network.connections).toBe(1);
    expect(network.url("/chat")).toBe(`ws://127.0.0.1:${network.port}/chat`);
  });

  it("that is cut resets both sides, and takes new connections", async () => {
    await using network = await createNetwork(server);
    const socket = await open(network.port);
    await echo(socket, "hello");
    const behind = accepted.at(-1) as Socket;
    network.cut();
    await Promise.all([closed(socket), closed(behind)]);
    expect(await echo(await open(network.port), "again")).toBe("again");
  });

  it("that is down takes no connection until it is mended", async () => {
    await using network = await createNetwork(server);
    network.goDown();
    const socket = connect(network.port, "127.0.0.1");
    socket.on("error", () => {});
    await closed(socket);
    network.mend();
    expect(await echo(await open(network.port), "again")).toBe("again");
  });

  it("that is frozen keeps everything until it is mended", async () => {
    await using network = await createNetwork(server);
    const socket = await open(network.port);
    await echo(socket, "hello");
    network.freeze();
    let received = "";
    socket.on("data", (data) => (received += data));
    socket.write("frozen");
    // Another connection shows that time has passed for the server.
    expect(await echo(await open((server.address() as { port: number }).port), "other")).toBe("other");
    expect(received).toBe("");
    network.mend();
    await once(socket, "data");
    expect(received).toBe("frozen");
  });

  it("that swallows one way loses what goes that way alone", async () => {
    await using network = await createNetwork(server);
    const socket = await open(network.port);
    await echo(socket, "hello");
    network.swallow("down");
    socket.write("lost");
    await vi.waitFor(() => expect(network.swallowedBytes).toBe(4));
    network.mend();
    expect(await echo(socket, "after")).toBe("after");
  });

  it("that is slow takes its time", async () => {
    await using network = await createNetwork(server);
    network.slow({ latencyMs: 20 });
    const socket = await open(network.port);
    const startedAt = performance.now();
    await echo(socket, "hello");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(38);
  });
});
