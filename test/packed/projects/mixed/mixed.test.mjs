// The half that is ES modules: it mounts hooks on the app, and knows its peers, messages and errors.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as client from "@spry-ws/client";
import * as contract from "@spry-ws/contract";
import * as wire from "@spry-ws/contract/wire";
import * as core from "@spry-ws/core";
import * as adapter from "@spry-ws/core/adapter";
import * as express from "@spry-ws/express";
import * as fastify from "@spry-ws/fastify";
import * as koa from "@spry-ws/koa";
import * as nats from "@spry-ws/nats";
import * as redis from "@spry-ws/redis";
import * as service from "@spry-ws/service";
import * as testing from "@spry-ws/testing";
import * as testingBackplane from "@spry-ws/testing/backplane";
import * as testingHistory from "@spry-ws/testing/history";
import server from "./server.cjs";

const require = createRequire(import.meta.url);
const imported = {
  "@spry-ws/client": client,
  "@spry-ws/contract": contract,
  "@spry-ws/contract/wire": wire,
  "@spry-ws/core": core,
  "@spry-ws/core/adapter": adapter,
  "@spry-ws/express": express,
  "@spry-ws/fastify": fastify,
  "@spry-ws/koa": koa,
  "@spry-ws/nats": nats,
  "@spry-ws/redis": redis,
  "@spry-ws/service": service,
  "@spry-ws/testing": testing,
  "@spry-ws/testing/backplane": testingBackplane,
  "@spry-ws/testing/history": testingHistory,
};

for (const [name, byImport] of Object.entries(imported)) {
  test(`${name} is the same through both doors`, () => {
    const byRequire = require(name);
    const names = Object.keys(byRequire).filter((key) => key !== "default");
    assert.ok(names.length > 0);
    for (const key of names) assert.equal(byImport[key], byRequire[key], key);
    // What Node itself adds to what it finds in CommonJS.
    const added = new Set(["default", "module.exports", "__esModule"]);
    assert.deepEqual(
      Object.keys(byImport).filter((key) => !added.has(key)),
      names.toSorted(),
    );
  });
}

test("a peer of one door is an event, and its message a message, of the other", async () => {
  const { connect } = testing;
  const { Message, getClientAddress, useExpressRequest, ws } = express;
  server.app.get(
    "/echo",
    ws({
      message(peer, message) {
        assert.ok(message instanceof require("@spry-ws/express").Message);
        assert.equal(useExpressRequest(peer).path, "/echo");
        assert.equal(require("@spry-ws/core").getClientAddress(peer), getClientAddress(peer));
        peer.send(Message.text(message.text()));
      },
    }),
  );
  const client = await connect(server.app, "/echo");
  client.send("hello");
  assert.equal(await client.text(), "hello");
  assert.equal(server.spry.peers.size, 1);
  await client.close();
  await server.spry.close();
});
