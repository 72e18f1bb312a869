import { connect as connectTo } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import { topicOf } from "@spry-ws/contract/wire";
import { Instance } from "@spry-ws/core/adapter";
import { defineHooks, Message, type Peer, spryWs, ws } from "@spry-ws/express";
import { createService } from "@spry-ws/service";
import { connect } from "@spry-ws/testing";
import { backplaneCases } from "@spry-ws/testing/backplane";
import { historyCases } from "@spry-ws/testing/history";
import express from "express";

const chat = defineHooks({
  upgrade: () => ({ context: { name: "ada" } }),
  message(peer, message) {
    const name: string = peer.context.name;
    const same: Peer<{ name: string }> = peer;
    same.send(Message.text(`${name}: ${message.text()}`));
  },
});

const contract = defineContract({ topics: {} });

async function main(): Promise<void> {
  const app = express();
  const spry = spryWs();
  app.use(spry);
  app.ws("/live", createService(spry, contract, { topics: {} }));
  app.ws("/chat", chat);
  app.get("/again", ws(chat));
  const client = await connect(app, "/chat");
  client.send("hello");
  console.log(
    `got ${await client.text()}`,
    typeof Instance,
    typeof backplaneCases,
    typeof historyCases,
    typeof connectTo,
    topicOf("news"),
  );
  await client.close();
}

void main();
