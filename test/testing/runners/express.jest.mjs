// Run by jest, in a process of its own: see runners.test.ts.
import { spryWs, ws } from "@spry-ws/express";
import { connect, refused } from "@spry-ws/testing";
import express from "express";

const app = express();
app.use(spryWs());
app.get("/chat/:room", ws({ message: (peer, message) => peer.send(message) }));

test("a client gets its message back", async () => {
  const client = await connect(app, "/chat/blue");
  client.send("hello");
  expect(await client.text()).toBe("hello");
  client.send(new Uint8Array([1, 2, 3]));
  expect([...(await client.next()).bytes()]).toEqual([1, 2, 3]);
  expect(await client.close(4000, "done")).toEqual({ code: 4000, reason: "done" });
});

test("an unknown path is refused", async () => {
  expect((await refused(app, "/unknown")).status).toBe(404);
});

test("errors have their codes", async () => {
  await expect(connect(app, "/unknown")).rejects.toMatchObject({ code: "SPRY_WS_TEST_REFUSED" });
});
