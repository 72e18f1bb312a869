import { isSpryWsError, spryWs, ws } from "@spry-ws/koa";
import { connect } from "@spry-ws/testing";
import Koa from "koa";
import { expect, test } from "vitest";

const app = new Koa();
app.use(spryWs());
app.use(ws("/echo", { message: (peer, message) => peer.send(message) }));

test("a client gets its message back", async () => {
  const client = await connect(app, "/echo");
  client.send("hello");
  expect(await client.text()).toBe("hello");
  await client.close();
});

test("an error is known as one of the library", () => {
  try {
    spryWs({ maxPayload: -1 });
    expect.unreachable();
  } catch (error) {
    expect(isSpryWsError(error)).toBe(true);
  }
});
