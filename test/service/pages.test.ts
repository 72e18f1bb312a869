import { describe, expect, it } from "vitest";
import { DurableTopics } from "../../packages/service/src/history/durable-topics.ts";
import { encodeStored } from "../../packages/service/src/history/stored.ts";
import { FaultyHistory } from "../fixtures/faulty-history.ts";

describe("the pages that were read last", () => {
  it("take no more memory than is said, in all topics together, and none when nobody wants them", async () => {
    const history = new FaultyHistory();
    const topics = new DurableTopics({
      history,
      limits: { maxReads: 2, maxTailBytes: 1_000 },
      report: () => {},
    });
    const names = ["a", "b", "c"];
    for (const name of names) history.publishElsewhere(name, encodeStored("x".repeat(600)));
    const feeds = names.map((name) => topics.use(name));
    for (const feed of feeds) {
      await feed.settled();
      const { run } = await feed.load("start");
      expect(run.length).toBe(1);
    }
    const size = encodeStored("x".repeat(600)).length;
    // The first is remembered; there is room for none besides.
    expect(topics.pages.byteLength).toBe(size);
    const [first] = feeds;
    if (!first) throw new Error("there are three");
    topics.release(first);
    first.end();
    expect(topics.pages.byteLength).toBe(0);
    await feeds[1]?.load("start");
    expect(topics.pages.byteLength).toBe(size);
    await topics.rest(100, true);
    expect([topics.pages.byteLength, topics.tails.byteLength]).toEqual([0, 0]);
  });

  it("are not remembered where they come when nobody wants them any more", async () => {
    const history = new FaultyHistory();
    const topics = new DurableTopics({
      history,
      limits: { maxReads: 2, maxTailBytes: 1_000 },
      report: () => {},
    });
    history.publishElsewhere("a", encodeStored("x"));
    const feed = topics.use("a");
    await feed.settled();
    const loading = feed.load("start");
    topics.release(feed);
    feed.end();
    await loading;
    expect(topics.pages.byteLength).toBe(0);
    await topics.rest(100, true);
  });
});
