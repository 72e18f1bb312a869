// Under the mocked timers of node:test: what is under test stands still, the network does not.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { mock, test } from "node:test";
import { createNetwork } from "@spry-ws/testing";

test("a slow network goes on while the time of the test stands still", async () => {
  const server = createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const network = await createNetwork(server);
  network.slow({ latencyMs: 5 });
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  try {
    const fired = mock.fn();
    setTimeout(fired, 60_000);
    const client = connect(network.port, "127.0.0.1").on("error", () => {});
    client.write("hello");
    const [data] = await once(client, "data");
    assert.equal(String(data), "hello");
    assert.equal(fired.mock.callCount(), 0);
    mock.timers.tick(60_000);
    assert.equal(fired.mock.callCount(), 1);
    client.destroy();
  } finally {
    mock.timers.reset();
    await network.close();
    server.close();
  }
});
