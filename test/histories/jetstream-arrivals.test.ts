import { headers, type NatsConnection } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { missingNats, startJetStream } from "../fixtures/brokers.ts";
import { administer, connected, opened } from "./jetstream-setup.ts";

/** What the stream tells of a message. */
function tell(connection: NatsConnection, topic: string, seq: number, previousSeq: number): void {
  const told = headers();
  told.set("Nats-Sequence", String(seq));
  told.set("Nats-Last-Sequence", String(previousSeq));
  connection.publish(`spry-ws-history.live.${topic}`, String(seq), { headers: told });
}

describe.skipIf(missingNats())("what a stream of jetStreamHistory tells", { timeout: 30_000 }, () => {
  it("is in the order of the log, however many links append at the same time", async () => {
    await using server = await startJetStream();
    const links = await Promise.all(Array.from({ length: 6 }, () => opened(server.url)));
    const [listener] = links;
    await listener?.link.subscribe(["topic"]);
    const calls = links.flatMap((link) => Array.from({ length: 500 }, () => link.append("topic", "x")));
    await Promise.all(calls);
    await listener?.until(() => listener.appended.length === 3_000, "all messages");
    const numbers = Array.from({ length: 3_000 }, (_, index) => index + 1);
    expect(listener?.appended.map(({ position }) => position.seq)).toEqual(numbers);
    expect(listener?.appended.map(({ previousSeq }) => previousSeq)).toEqual(numbers.map((seq) => seq - 1));
    expect(listener?.states).toEqual(["up"]);
  });

  it("is sorted where it comes in another order, and told without what does not come", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url);
    const connection = await connected(server.url);
    await link.link.subscribe(["a", "b"]);
    const order = [1, 4, 3, 10, 2, 11, 15, 13];
    for (const seq of order) tell(connection, "a", seq, seq === 13 || seq === 10 ? seq - 3 : seq - 1);
    tell(connection, "b", 5, 0);
    await link.until(() => link.appended.length === order.length + 1, "all messages");
    const numbers = link.appended.map(({ position }) => position.seq).filter((seq) => seq !== 5);
    expect(numbers).toEqual([1, 2, 3, 4, 10, 11, 13, 15]);
    expect(link.states).toEqual(["up"]);
  });

  it("is not told where numbers come again that were given, and the stream is another one", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url);
    const connection = await connected(server.url);
    await link.link.subscribe(["topic"]);
    tell(connection, "topic", 7, 0);
    await link.untilAppended("7");
    const { config } = await administer<{ config: object }>(server.url, "STREAM.INFO.spry-ws-history");
    await administer(server.url, "STREAM.DELETE.spry-ws-history");
    await administer(server.url, "STREAM.CREATE.spry-ws-history", config);
    tell(connection, "topic", 3, 2);
    tell(connection, "topic", 8, 7);
    await link.until(() => link.states.length === 3, "down and up");
    await link.append("topic", "new");
    await link.untilAppended("new");
    expect(link.appended.map(({ text }) => text)).toEqual(["7", "new"]);
  });
});
