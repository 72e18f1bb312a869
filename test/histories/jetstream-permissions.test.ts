import { readFileSync } from "node:fs";
import { isNotAppended } from "@spry-ws/core/adapter";
import { jetStreamHistory } from "@spry-ws/nats";
import { describe, expect, it } from "vitest";
import { missingNats, startJetStream } from "../fixtures/brokers.ts";
import { administer, connected, opened } from "./jetstream-setup.ts";
import { WatchedHistory } from "./watched-history.ts";

const page = readFileSync(new URL("../../docs/guide/durable-topics-nats.md", import.meta.url), "utf8");
/** The permissions that the page tells. */
function toldFor(operation: string): string[] {
  const [, list = ""] = new RegExp(`^${operation}: \\[([^\\]]+)\\]`, "m").exec(page) ?? [];
  return [...list.matchAll(/"([^"]+)"/g)].map(([, subject = ""]) => subject);
}
const needed = { publish: toldFor("publish"), subscribe: toldFor("subscribe") };

function config(publish: readonly string[], subscribe: readonly string[] = needed.subscribe) {
  const permissions = JSON.stringify({ publish, subscribe });
  return {
    content: `
      accounts { A { jetstream: enabled, users: [
        { user: admin, password: secret }, { user: app, password: secret, permissions: ${permissions} }
      ] } }`,
  };
}

const without = (name: string) => needed.publish.filter((subject) => !subject.includes(name));
const [admin, app] = ["admin", "app"].map((user) => ({ user, pass: "secret" }));

describe.skipIf(missingNats())("the permissions of jetStreamHistory", { timeout: 60_000 }, () => {
  it("are those that the page says, and that to create the stream", async () => {
    await using server = await startJetStream("--config", config(needed.publish));
    const link = await opened(server.url, {}, app);
    await link.link.subscribe(["topic"]);
    const retention = { maxMessages: 100, maxAgeMs: 3_000 };
    const texts = Array.from({ length: 10 }, (_, index) => String(index));
    await Promise.all(texts.map((text) => link.append("topic", text, { retention })));
    await link.untilAppended("9");
    expect((await link.read("topic", "start")).texts).toEqual(texts);
    expect((await link.read("topic", { last: 5 })).texts).toEqual(texts.slice(5));
    // Old messages are removed meanwhile.
    await expect.poll(async () => (await link.read("topic", "start")).texts, { timeout: 10_000 }).toEqual([]);
    expect(link.errors).toEqual([]);
  });

  it("may lack that to create the stream: the error says what to create", async () => {
    await using server = await startJetStream("--config", config(without("STREAM.CREATE")));
    const history = jetStreamHistory({ connection: await connected(server.url, app) });
    await using link = new WatchedHistory(history);
    await link.untilState("down");
    const text = link.reasons[0]?.message ?? "";
    expect(text).toMatch(
      /there is no JetStream stream "spry-ws-history", and the NATS user of the connection may not create it/,
    );
    const [json = "{}"] = /\{.*\}$/.exec(text) ?? [];
    await administer(server.url, "STREAM.CREATE.spry-ws-history", JSON.parse(json), admin);
    await link.untilState("up");
    await link.append("topic", "x");
  });

  it("are told where one is missing", async () => {
    await using server = await startJetStream("--config", config(without(".log."), ["_INBOX.>"]));
    await opened(server.url, {}, admin);
    const link = await opened(server.url, {}, app);
    const refusal: unknown = await link.append("topic", "x").catch((error: unknown) => error);
    expect(isNotAppended(refusal)).toBe(true);
    expect(String(refusal)).toMatch(
      /the NATS user of the connection may not publish to spry-ws-history\.log\.topic/,
    );
    await expect(link.link.subscribe(["topic"])).rejects.toThrow(
      /the NATS user of the connection may not subscribe to spry-ws-history\.live\.topic/,
    );
    expect(link.states).toEqual(["up"]);
  });

  it.each([
    ["STREAM.INFO", /may not publish to \$JS\.API\.STREAM\.INFO\.spry-ws-history/],
    ["inbox", /may not subscribe to _INBOX\./],
  ])("keep it down without that for %s", async (missing, text) => {
    const subscribe = missing === "inbox" ? ["spry-ws-history.live.*"] : needed.subscribe;
    await using server = await startJetStream("--config", config(without(missing), subscribe));
    await opened(server.url, {}, admin);
    const history = jetStreamHistory({ connection: await connected(server.url, app) });
    await using link = new WatchedHistory(history);
    await link.untilState("down");
    expect(link.reasons[0]?.message).toMatch(text);
    const allowed = config(needed.publish);
    await server.kill();
    await server.start("--config", allowed);
    await link.untilState("up");
    await link.append("topic", "x");
  });

  it("are missed without harm where old messages cannot be removed", async () => {
    await using server = await startJetStream("--config", config(without("PURGE")));
    await opened(server.url, {}, admin);
    const link = await opened(server.url, {}, app);
    const retention = { maxMessages: 100, maxAgeMs: 300 };
    for (const text of ["a", "b"]) await link.append("topic", text, { retention });
    await link.until(() => link.errors.length > 0, "an error");
    expect(link.errors[0]?.message).toMatch(/may not publish to \$JS\.API\.STREAM\.PURGE\.spry-ws-history/);
    expect((await link.read("topic", "start")).texts).toEqual([]);
    await link.append("topic", "c");
    expect((await link.read("topic", "start")).texts).toEqual(["c"]);
    expect(link.states).toEqual(["up"]);
  });
});
