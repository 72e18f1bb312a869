// Run by node:test, in a process of its own: see runners.test.ts.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { spryWs, ws } from "@spry-ws/koa";
import { connect, refused } from "@spry-ws/testing";
import Koa from "koa";

const app = new Koa();
const spry = spryWs();
app.use(spry);
app.use(ws("/chat", { message: (peer, message) => peer.send(message) }));
app.use(ws("/short", { upgrade: () => ({ expiresAt: Date.now() + 50 }) }));
after(() => spry.close());

test("a client gets its message back", async () => {
  const client = await connect(app, "/chat");
  client.send("hello");
  assert.equal(await client.text(), "hello");
  assert.deepEqual(await client.close(4000, "done"), { code: 4000, reason: "done" });
});

test("an unknown path is refused", async () => {
  assert.equal((await refused(app, "/unknown")).status, 404);
});

test("a wait that is in vain ends with an error that tells what had come", async () => {
  const client = await connect(app, "/chat");
  await assert.rejects(client.next({ timeoutMs: 5 }), { code: "SPRY_WS_TEST_TIMEOUT" });
  await client.close();
});

// Nothing else keeps the process alive: the server's timers do not, and a connection in memory has no handle.
for (const timeoutMs of [undefined, 0]) {
  const options = timeoutMs === undefined ? {} : { timeoutMs };

  test(`a close of the server is waited for, ${timeoutMs}`, async () => {
    const client = await connect(app, "/short", options);
    assert.equal((await client.closed).code, 3000);
  });

  test(`a message and the end of a loop are waited for, ${timeoutMs}`, async () => {
    const clients = [];
    for (let i = 0; i < 2; i++) clients.push(await connect(app, "/short", options));
    await assert.rejects(clients[0].next(), { code: "SPRY_WS_TEST_CLOSED" });
    for await (const message of clients[1]) assert.fail(message);
  });
}
