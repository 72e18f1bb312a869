import { headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { missingNats, startJetStream } from "../fixtures/brokers.ts";
import { connected, opened } from "./jetstream-setup.ts";
import type { WatchedHistory } from "./watched-history.ts";

const texts = (count: number) => Array.from({ length: count }, (_, index) => String(index));

/** Appends to some topics in turn, so that their messages are not beside each other, and many to one between. */
async function fill(link: WatchedHistory): Promise<void> {
  const calls: Promise<unknown>[] = [];
  for (let index = 0; index < 200; index++) {
    for (const topic of ["a", "b", "c"]) calls.push(link.append(topic, String(index)));
    const others = index % 50 === 0 ? 300 : 1;
    for (let other = 0; other < others; other++) calls.push(link.append("d", "other"));
  }
  await Promise.all(calls);
}

/** Which part of the log of topic "b" each read has. */
async function checkReads(link: WatchedHistory): Promise<void> {
  const all = await link.read("b", "start");
  expect([all.texts, all.hasMore]).toEqual([texts(200), false]);
  for (const last of [1, 2, 3, 17, 50, 51, 199, 200, 201, 5_000])
    expect((await link.read("b", { last })).texts, `the last ${last}`).toEqual(texts(200).slice(-last));
  for (const size of [1, 2, 3, 4, 5, 100]) {
    const page = await link.read("b", { last: 120 }, size);
    expect(page.texts).toEqual(texts(200).slice(80, 80 + size));
    expect(page.hasMore).toBe(true);
    const behind = await link.read("b", all.positions[49] ?? "start", size);
    expect([behind.texts, behind.isContinuous]).toEqual([texts(200).slice(50, 50 + size), true]);
  }
  const { entries } = await link.link.read("b", { from: { last: 40 }, maxMessages: 100, maxBytes: 1 });
  expect(entries.map(({ data }) => Buffer.from(data).toString())[0]).toBe("160");
}

/**
 * The JetStream API of a server of version 2.11 or later, in front of an older one: a direct get takes `batch` and `max_bytes`.
 * https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
 */
function serveBatches(connection: NatsConnection, prefix: string): { readonly names: Set<string> } {
  const names = new Set<string>();
  const ask = (subject: string, body: object) =>
    connection.request(subject, JSON.stringify(body), { timeout: 5_000 });
  const answerBatch = async (message: Msg, subject: string) => {
    const { seq, next_by_subj, batch, max_bytes } = message.json<Record<string, number>>();
    const found: Msg[] = [];
    for (let from = seq; ; ) {
      const next = await ask(subject, { seq: from, next_by_subj });
      if (next.headers?.code) break;
      found.push(next);
      from = Number(next.headers?.get("Nats-Sequence")) + 1;
    }
    if (found.length === 0)
      return void message.respond(new Uint8Array(), { headers: headers(404, "Message Not Found") });
    let bytes = 0;
    let sent = 0;
    for (const next of found.slice(0, batch)) {
      bytes += next.data.length;
      if (sent > 0 && bytes > (max_bytes ?? 0)) break;
      sent++;
      next.headers?.set("Nats-Num-Pending", String(found.length - sent));
      message.respond(next.data, { headers: next.headers as NonNullable<Msg["headers"]> });
    }
    const end = headers(204, "EOB");
    end.set("Nats-Num-Pending", String(found.length - sent));
    message.respond(new Uint8Array(), { headers: end });
  };
  const forward = async (message: Msg) => {
    const subject = `$JS.API${message.subject.slice(prefix.length)}`;
    names.add(subject.split(".").slice(2, 4).join("."));
    if (subject.includes("DIRECT.GET") && message.string().includes("batch"))
      return answerBatch(message, subject);
    const answer = await connection.request(subject, message.data, { timeout: 5_000 });
    message.respond(answer.data, answer.headers ? { headers: answer.headers } : {});
  };
  connection.subscribe(`${prefix}.>`, {
    callback: (_error, message) => void forward(message),
  });
  return { names };
}

describe.skipIf(missingNats())("pages of jetStreamHistory", { timeout: 60_000 }, () => {
  it("have what is asked for, where the messages of many topics are in one stream", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url);
    await fill(link);
    await checkReads(link);
  });

  it("are read without consumers where the server has batches", async () => {
    await using server = await startJetStream();
    await fill(await opened(server.url));
    const { names } = serveBatches(await connected(server.url), "batches.API");
    await checkReads(await opened(server.url, { apiPrefix: "batches.API" }));
    expect([...names].sort()).toEqual(["DIRECT.GET", "STREAM.INFO", "STREAM.MSG"]);
  });
});
