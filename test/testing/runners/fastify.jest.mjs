// Run by jest, in a process of its own: see runners.test.ts.
import { spryWs } from "@spry-ws/fastify";
import { connect } from "@spry-ws/testing";
import Fastify from "fastify";

test("a client gets its message back, without a port", async () => {
  const app = Fastify();
  await app.register(spryWs);
  app.ws("/chat", { message: (peer, message) => peer.send(message) });
  const client = await connect(app, "/chat", { headers: { "x-user": "ada" } });
  client.send("hello");
  expect(await client.text()).toBe("hello");
  await app.close();
  expect((await client.closed).code).toBe(1001);
});
