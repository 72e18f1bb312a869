import { readFileSync } from "node:fs";
import { isNotAppended } from "@spry-ws/core/adapter";
import { jetStreamHistory } from "@spry-ws/nats";
import { describe, expect, it } from "vitest";
import { missingNats, startJetStream } from "../fixtures/brokers.ts";
import { administer, connected, opened } from "./jetstream-setup.ts";
import { WatchedHistory } from "./watched-history.ts";

const name = "spry-ws-history";

interface Info {
  readonly config: Record<string, unknown>;
  readonly state: { readonly messages: number };
}

const info = (url: string) => administer<Info>(url, `STREAM.INFO.${name}`);

/** What a call rejects with. */
async function refusalOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => new Error("it was not refused"),
    (error: Error) => error,
  );
}

describe.skipIf(missingNats())("the stream of jetStreamHistory", { timeout: 60_000 }, () => {
  it("is created with the options, once for all links", async () => {
    await using server = await startJetStream();
    const options = { maxMessages: 2_000, maxBytes: 10_000_000, idWindowMs: 90_000 };
    await Promise.all([opened(server.url, options), opened(server.url, options)]);
    const { config } = await info(server.url);
    expect(config).toMatchObject({
      subjects: ["spry-ws-history.log.*"],
      storage: "file",
      max_msgs_per_subject: 2_000,
      max_bytes: 10_000_000,
      max_age: 0,
      discard: "new",
      duplicate_window: 90_000_000_000,
      num_replicas: 1,
    });
  });

  it("is taken as it is where it exists and fits, whatever the options are", async () => {
    await using server = await startJetStream();
    await opened(server.url, { maxMessages: 2_000 });
    const { config } = await info(server.url);
    const link = await opened(server.url, { maxMessages: 10 });
    await link.append("topic", "x", { retention: { maxMessages: 2_000, maxAgeMs: 1_000 } });
    expect((await info(server.url)).config).toEqual(config);
  });

  it("is refused where it exists and does not fit, with what to change, until that is done", async () => {
    await using server = await startJetStream();
    await opened(server.url);
    const { config } = await info(server.url);
    await administer(server.url, `STREAM.DELETE.${name}`);
    await administer(server.url, `STREAM.CREATE.${name}`, {
      ...config,
      max_age: 3_600_000_000_000,
      max_bytes: 1_000_000,
      discard: "old",
    });
    await using link = new WatchedHistory(jetStreamHistory({ connection: await connected(server.url) }));
    await link.untilState("down");
    const text = link.reasons[0]?.message;
    expect(text).toContain('the JetStream stream "spry-ws-history" does not fit: max_age must be 0');
    expect(text).toContain('max_bytes must be -1, or discard "new", and is 1000000');
    expect(await administer(server.url, `STREAM.UPDATE.${name}`, config)).not.toHaveProperty("error");
    await link.untilState("up");
  });

  it.each([
    ["storage", { storage: "memory" }, 'storage must be "file", and is "memory"'],
    ["retention", { retention: "workqueue", republish: undefined }, 'retention must be "limits"'],
    ["subjects", { subjects: ["spry-ws-history.log.a"] }, 'subjects must be ["spry-ws-history.log.*"]'],
    ["no_ack", { no_ack: true }, "no_ack must be false"],
    ["discard_new_per_subject", { discard_new_per_subject: true }, "discard_new_per_subject must be false"],
    [
      "republish",
      { republish: undefined },
      'republish must be {"src":"spry-ws-history.log.*","dest":"spry-ws-history.live.{{wildcard(1)}}"}, and is undefined',
    ],
    [
      "headers_only",
      { republish: { src: "spry-ws-history.log.*", dest: "spry-ws-history.live.$1", headers_only: true } },
      "republish must be",
    ],
  ])("has to have the right %s", async (_field, change, text) => {
    await using server = await startJetStream();
    await opened(server.url);
    const { config } = await info(server.url);
    await administer(server.url, `STREAM.DELETE.${name}`);
    const answer = await administer<{ error?: unknown }>(server.url, `STREAM.CREATE.${name}`, {
      ...config,
      ...change,
    });
    expect(answer.error).toBeUndefined();
    await using link = new WatchedHistory(jetStreamHistory({ connection: await connected(server.url) }));
    await link.untilState("down");
    expect(link.reasons[0]?.message).toContain(text);
  });

  it("is taken where it was created with the configuration of the page about it", async () => {
    await using server = await startJetStream();
    const page = readFileSync(new URL("../../docs/guide/durable-topics-nats.md", import.meta.url), "utf8");
    const [, json = ""] = /```json\n([^`]+)```/.exec(page) ?? [];
    await administer(server.url, `STREAM.CREATE.${name}`, JSON.parse(json));
    const { config } = await info(server.url);
    await (await opened(server.url, { create: false })).append("topic", "x", {
      idWindowMs: 120_000,
      retention: { maxMessages: 10_000, maxAgeMs: 86_400_000 },
    });
    await administer(server.url, `STREAM.DELETE.${name}`);
    await opened(server.url);
    expect((await info(server.url)).config).toEqual(config);
  });

  it("is not created with create: false, and the error has its configuration", async () => {
    await using server = await startJetStream();
    const history = jetStreamHistory({ connection: await connected(server.url), create: false });
    await using link = new WatchedHistory(history);
    await link.untilState("down");
    const text = link.reasons[0]?.message ?? "";
    const [, json = ""] =
      /there is no JetStream stream "spry-ws-history": create it with this configuration: (\{.*\}), or leave out `create: false`/.exec(
        text,
      ) ?? [];
    await administer(server.url, `STREAM.CREATE.${name}`, JSON.parse(json));
    await link.untilState("up");
    await link.append("topic", "x");
  });

  it("says so where nobody answers, as without JetStream", async () => {
    await using server = await startJetStream();
    const history = jetStreamHistory({ connection: await connected(server.url), domain: "elsewhere" });
    await using link = new WatchedHistory(history);
    await link.untilState("down");
    expect(link.reasons[0]).toMatchObject({ code: "SPRY_WS_HISTORY" });
    expect(link.reasons[0]?.message).toMatch(
      /nobody answers to \$JS\.elsewhere\.API\.STREAM\.INFO.*JetStream is not enabled/,
    );
  });

  it("refuses what it cannot keep as long as it is asked to, before anything is sent", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url, { maxMessages: 100, idWindowMs: 1_000 });
    const idWindowMs = 1_000;
    const refusals = await Promise.all(
      [
        link.append("topic", "x", { idWindowMs }),
        link.append("topic", "x", { retention: { maxMessages: 100, maxAgeMs: 1 } }),
        link.append("topic", "x".repeat(1_048_500), {
          idWindowMs,
          retention: { maxMessages: 100, maxAgeMs: 1 },
        }),
      ].map(refusalOf),
    );
    for (const refusal of refusals) expect(isNotAppended(refusal)).toBe(true);
    const texts = refusals.map(({ message }) => message);
    expect(texts[0]).toMatch(
      /the topic keeps 1000 messages, and the JetStream stream "spry-ws-history" only 100/,
    );
    expect(texts[1]).toMatch(
      /ids have to be remembered for 60000 ms, .* for 1000 ms: raise its duplicate_window/,
    );
    expect(texts[2]).toMatch(
      /a message of 1048500 bytes and 200 for its headers is larger .* max_payload is 1048576 bytes/,
    );
    expect((await info(server.url)).state.messages).toBe(0);
  });

  it("refuses messages where it is full, and removes none of other topics for them", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url, { maxBytes: 50_000 });
    const first = await link.append("quiet", "first");
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () => link.append("loud", "x".repeat(1_000))),
    );
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.length).toBeGreaterThan(40);
    expect(refused.length).toBeLessThan(70);
    for (const { reason } of refused) {
      expect(isNotAppended(reason)).toBe(true);
      expect(String(reason)).toMatch(/maximum bytes exceeded/);
    }
    expect(await link.read("quiet", "start")).toMatchObject({ texts: ["first"], positions: [first] });
    expect((await link.read("loud", "start")).texts.length).toBe(100 - refused.length);
    expect(link.states).toEqual(["up"]);
  });

  it("has no old messages for long, but the newest of each topic", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url);
    const retention = { maxMessages: 100, maxAgeMs: 400 };
    const appended = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        link.append(`topic ${index % 3}`, String(index), { retention }),
      ),
    );
    await expect.poll(async () => (await info(server.url)).state.messages, { timeout: 5_000 }).toBe(3);
    const last = appended.at(-1);
    expect(await link.head("topic 2")).toEqual(last);
    expect(await link.read("topic 2", last ?? "start")).toMatchObject({ isContinuous: true, texts: [] });
    expect(await link.read("topic 2", "start")).toMatchObject({ texts: [], hasMore: false });
  });

  it("is rid of old messages by whoever reads them", async () => {
    await using server = await startJetStream();
    const writer = await opened(server.url);
    const reader = await opened(server.url);
    const retention = { maxMessages: 100, maxAgeMs: 300 };
    for (let index = 0; index < 10; index++) await writer.append("topic", `old ${index}`, { retention });
    await writer.append("elsewhere", "x");
    const kept: string[] = [];
    await writer.link.close();
    await new Promise((resolve) => setTimeout(resolve, 610));
    for (let index = 0; index < 5; index++) {
      kept.push(`new ${index}`);
      await reader.append("topic", `new ${index}`);
    }
    expect((await info(server.url)).state.messages).toBe(16);
    // A page with none that is young enough.
    expect(await reader.read("topic", "start", 3)).toMatchObject({ texts: kept.slice(0, 3), hasMore: true });
    expect(await reader.read("topic", "start")).toMatchObject({ texts: kept, hasMore: false });
    // The last of the old ones stays until the next time.
    await expect
      .poll(async () => (await info(server.url)).state.messages, { timeout: 5_000 })
      .toBe(kept.length + 2);
    expect(await reader.read("topic", "start")).toMatchObject({ texts: kept, hasMore: false });
  });

  it("tells whether a position in front of the first message misses anything", async () => {
    await using server = await startJetStream();
    const [one, two] = [await opened(server.url, { maxMessages: 1_000 }), await opened(server.url)];
    const [empty] = await one.link.heads(["topic"]);
    await two.link.subscribe(["topic"]);
    const texts = Array.from({ length: 5 }, (_, index) => String(index));
    // Both try to be the first.
    await Promise.all(texts.map((text, index) => (index % 2 ? one : two).append("topic", text)));
    await two.until(() => two.appended.length === 5, "all messages");
    expect(two.appended.map(({ previousSeq }) => previousSeq)).toEqual([0, 1, 2, 3, 4]);
    const page = await one.read("topic", empty ?? "start");
    expect([page.isContinuous, page.texts.toSorted()]).toEqual([true, texts]);
    // An administrator removes the first.
    await administer(server.url, `STREAM.PURGE.${name}`, { filter: "spry-ws-history.log.topic", seq: 2 });
    expect((await one.read("topic", empty ?? "start")).isContinuous).toBe(false);
  });

  it("does not know the message before one if all in front of it were removed", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url);
    await link.link.subscribe(["topic"]);
    const before = await link.append("topic", "before");
    await administer(server.url, `STREAM.PURGE.${name}`, { filter: "spry-ws-history.log.topic" });
    const after = await link.append("topic", "after");
    await link.untilAppended("after");
    expect(link.appended.at(-1)).toEqual({ text: "after", position: after, previousSeq: undefined });
    expect(await link.read("topic", before)).toMatchObject({ isContinuous: false, texts: ["after"] });
  });
});
