import { Instance } from "@spry-ws/core/adapter";
import { defineHooks, Message, type Peer, spryWs, ws } from "@spry-ws/express";
import { connect } from "@spry-ws/testing";
import { backplaneCases } from "@spry-ws/testing/backplane";
import express from "express";

const chat = defineHooks({
  upgrade: () => ({ context: { name: "ada" } }),
  message(peer, message) {
    const name: string = peer.context.name;
    const same: Peer<{ name: string }> = peer;
    same.send(Message.text(`${name}: ${message.text()}`));
  },
});

async function main(): Promise<void> {
  const app = express();
  app.use(spryWs());
  app.ws("/chat", chat);
  app.get("/again", ws(chat));
  const client = await connect(app, "/chat");
  client.send("hello");
  console.log(`got ${await client.text()}`, typeof Instance, typeof backplaneCases);
  await client.close();
}

void main();
