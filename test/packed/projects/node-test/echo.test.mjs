import assert from "node:assert/strict";
import { after, test } from "node:test";
// The default export is what `app.register(import("@spry-ws/fastify"))` finds.
import spryWs from "@spry-ws/fastify";
import { connect } from "@spry-ws/testing";
import Fastify from "fastify";

const app = Fastify();
await app.register(spryWs);
app.ws("/echo", { message: (peer, message) => peer.send(message) });
after(() => app.close());

test("a client gets its message back", async () => {
  const client = await connect(app, "/echo");
  client.send("hello");
  assert.equal(await client.text(), "hello");
  await client.close();
});

test("the default export is the plugin through a dynamic import too", async () => {
  const other = Fastify();
  await other.register(import("@spry-ws/fastify"));
  assert.equal(typeof other.ws, "function");
  await other.close();
});
