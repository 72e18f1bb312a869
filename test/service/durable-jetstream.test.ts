import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isNotAppended } from "@spry-ws/core/adapter";
import { jetStreamHistory } from "@spry-ws/nats";
import { describe, expect, it } from "vitest";
import { missingNats, type OwnBroker, startJetStream } from "../fixtures/brokers.ts";
import { connected } from "../histories/jetstream-setup.ts";
import { type Live, serveLive } from "./durable.ts";

const room = { room: "1" };
const topic = "rooms/1";

/** A service as in a process of its own. */
async function serve({ url }: OwnBroker): Promise<Live> {
  return serveLive({ history: jetStreamHistory({ connection: await connected(url) }) });
}

/** Publishes as soon as the store can be reached: until then it is refused at once. */
async function say(live: Live, text: string): Promise<string> {
  for (;;) {
    try {
      return (await live.service.publish("rooms/:room", room, text)).position;
    } catch (error) {
      if (!isNotAppended(error)) throw error;
      await sleep(20);
    }
  }
}

describe.skipIf(missingNats())("durable topics in JetStream", { timeout: 60_000 }, () => {
  it("bring what another process has published, also over an outage of the server and a change of the process", async () => {
    await using server = await startJetStream();
    await using one = await serve(server);
    await using two = await serve(server);
    const first = await say(one, "a");
    await using client = await two.connect([[topic, "start"]]);
    await client.next("s");
    expect(await client.next("m")).toEqual(["m", topic, first, "a"]);

    await server.kill();
    const during = say(one, "b");
    await server.start();
    const second = await during;
    expect(await client.next("m")).toEqual(["m", topic, second, "b"]);
    const third = await say(two, "c");
    expect(await client.next("m")).toEqual(["m", topic, third, "c"]);

    await using moved = await one.connect([[topic, first]]);
    expect(await moved.next("s")).toEqual(["s", topic, "resumed", first]);
    expect(await moved.next("m")).toEqual(["m", topic, second, "b"]);
    expect(await moved.next("m")).toEqual(["m", topic, third, "c"]);
  });

  it("tell of a gap when the server has lost everything", async () => {
    await using server = await startJetStream();
    await using live = await serve(server);
    await using client = await live.connect([[topic, "start"]]);
    await client.next("s");
    const before = await say(live, "before");
    await client.next("m");
    await server.kill();
    await rm(`${server.directory}/store`, { recursive: true });
    await server.start();
    expect(await client.next("g")).toEqual(["g", topic, expect.stringMatching(/^[\w-]+\.0\.$/)]);
    const after = await say(live, "after");
    expect(await client.next("m")).toEqual(["m", topic, after, "after"]);
    expect(after.split(".")[0]).not.toBe(before.split(".")[0]);
  });
});
