// Plain Jest, without configuration: everything is loaded by `require`.
const { isSpryWsError, spryWs, ws } = require("@spry-ws/express");
const { connect } = require("@spry-ws/testing");
const express = require("express");

const app = express();
app.use(spryWs());
app.get("/echo", ws({ message: (peer, message) => peer.send(message) }));

test("a client gets its message back", async () => {
  const client = await connect(app, "/echo");
  client.send("hello");
  expect(await client.text()).toBe("hello");
  await client.close();
});

test("an error is known as one of the library", () => {
  expect.assertions(1);
  try {
    ws({ mesage() {} });
  } catch (error) {
    expect(isSpryWsError(error)).toBe(true);
  }
});
