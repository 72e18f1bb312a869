import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DurableTopics } from "../../packages/service/src/history/durable-topics.ts";
import type { Feed } from "../../packages/service/src/history/feed.ts";
import { encodeStored } from "../../packages/service/src/history/stored.ts";
import { FaultyHistory } from "../fixtures/faulty-history.ts";

const topic = "t";

describe("what a feed knows of its log", () => {
  let history: FaultyHistory;
  let topics: DurableTopics;
  let feed: Feed;

  beforeEach(async () => {
    history = new FaultyHistory();
    const limits = { maxReads: 2, maxTailBytes: 10_000 };
    topics = new DurableTopics({ history, limits, report: () => {} });
    feed = topics.use(topic);
    await feed.settled();
    for (let n = 1; n <= 3; n++) history.publishElsewhere(topic, encodeStored(n));
    await expect.poll(() => feed.head).toEqual(history.head(topic));
  });
  afterEach(() => topics.rest(100, true));

  it("is not given as the end of the log during an outage: it may be out of date", async () => {
    history.goDown();
    history.publishElsewhere(topic, encodeStored(4));
    const settled = feed.settled();
    history.comeUp();
    expect(await settled).toEqual(history.head(topic));
  });

  it("does not outweigh what the store says behind an outage: it may have been restored from an old copy", async () => {
    history.goDown();
    history.rollBack(topic, 1);
    history.comeUp();
    await expect.poll(() => feed.head).toEqual(history.head(topic));
    expect(history.head(topic).seq).toBe(2);
  });
});
