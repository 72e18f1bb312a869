import { createServer } from "node:http";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { createService } from "@spry-ws/service";
import { expect, it } from "vitest";
import { MemorySocket } from "../fixtures/memory-socket.ts";

/** What a service tells so many clients when its instance ends, in milliseconds. */
async function timesOf(count: number): Promise<number[]> {
  const spry = createSpryWs();
  const server = createServer(spry.handler(createService(spry, defineContract({}), {})));
  spry.attach(server);
  const sockets = Array.from({ length: count }, () => {
    const socket = new MemorySocket();
    const request = socket.request();
    request.headers["sec-websocket-protocol"] = "spry.v1";
    request.rawHeaders.push("sec-websocket-protocol", "spry.v1");
    server.emit("upgrade", request, socket, Buffer.alloc(0));
    return socket;
  });
  expect(spry.peers.size).toBe(count);
  await spry.close({ deadlineMs: 0 });
  return sockets.map((socket) => Number(/\["b",(\d+)\]/.exec(socket.sent.toString("latin1"))?.[1]));
}

it("few clients are to come back within half a second", async () => {
  const times = await timesOf(40);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...times)).toBeLessThan(500);
});

it("many clients are to come back evenly, 1,000 in a second", async () => {
  const times = await timesOf(1_500);
  const thirds = [0, 1, 2].map((n) => times.filter((ms) => Math.floor(ms / 500) === n).length);
  // Within seven standard deviations of a fair draw: less than once in 10^10 runs by chance.
  for (const clients of thirds) expect(Math.abs(clients - 500)).toBeLessThan(7 * 18.3);
  expect(thirds.reduce((sum, clients) => sum + clients)).toBe(1_500);
});
