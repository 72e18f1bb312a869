import type { HistoryAppend, HistoryEvents, HistoryLink } from "@spry-ws/core";
import { isNotAppended } from "@spry-ws/core/adapter";
import { memoryHistory } from "@spry-ws/service";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const events: HistoryEvents = { appended() {}, up() {}, down() {}, error() {} };

function message(text: string, { maxMessages = 100, maxAgeMs = 60_000, id = text } = {}): HistoryAppend {
  return { data: Buffer.from(text), id, idWindowMs: 10_000, retention: { maxMessages, maxAgeMs } };
}

function textsOf({ entries }: { readonly entries: readonly { readonly data: Uint8Array }[] }): string[] {
  return entries.map(({ data }) => Buffer.from(data).toString());
}

const all = { from: "start", maxMessages: 1_000, maxBytes: 1_000_000 } as const;

async function fill(link: HistoryLink, topic: string, ...texts: string[]) {
  return Promise.all(texts.map((text) => link.append(topic, message(text))));
}

describe("memoryHistory", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("tells every link that is subscribed, in the order of the log, after the publisher's own work", async () => {
    const history = memoryHistory();
    const told: string[] = [];
    const open = (name: string) =>
      history.open({
        ...events,
        appended: (topic, { position, data }, previousSeq) =>
          told.push(`${name} ${topic} ${previousSeq}-${position.seq} ${Buffer.from(data)}`),
      });
    const [one, other] = [open("one"), open("other")];
    await one.subscribe(["a"]);
    await other.subscribe(["a", "b"]);
    const appended = fill(one, "a", "x", "y");
    expect(told).toEqual([]);
    await appended;
    await other.append("b", message("z"));
    await other.close();
    await fill(one, "a", "w");
    expect(told).toEqual([
      "one a 0-1 x",
      "other a 0-1 x",
      "one a 1-2 y",
      "other a 1-2 y",
      "other b 0-1 z",
      "one a 2-3 w",
    ]);
  });

  it("says that it is up, once the link is there, and refuses what comes after its end", async () => {
    const up = vi.fn();
    const link = memoryHistory().open({ ...events, up });
    expect(up).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(up).toHaveBeenCalledOnce();
    await link.close();
    const error = await link.append("a", message("x")).catch((error) => error);
    expect(isNotAppended(error)).toBe(true);
  });

  it("gives the same position to the same id, as long as its window lasts", async () => {
    const link = memoryHistory().open(events);
    const first = await link.append("a", message("x", { id: "1" }));
    await fill(link, "a", "y");
    vi.advanceTimersByTime(9_999);
    expect(await link.append("a", message("x", { id: "1" }))).toEqual(first);
    vi.advanceTimersByTime(1);
    expect((await link.append("a", message("x", { id: "1" }))).seq).toBe(3);
    expect(textsOf(await link.read("a", all))).toEqual(["x", "y", "x"]);
  });

  it("keeps what was appended, whatever becomes of the bytes", async () => {
    const link = memoryHistory().open(events);
    const data = Buffer.from("x");
    await link.append("a", { ...message("x"), data });
    data.fill(0);
    expect(textsOf(await link.read("a", all))).toEqual(["x"]);
  });

  it("reads behind a position, and says whether anything is missing", async () => {
    const link = memoryHistory().open(events);
    const [first, second, third] = await fill(link, "a", "1", "2", "3");
    const read = async (from: Parameters<HistoryLink["read"]>[1]["from"]) => {
      const page = await link.read("a", { ...all, from });
      return [page.isContinuous, ...textsOf(page)];
    };
    if (!first || !second || !third) throw new Error("three were appended");
    expect(await read(first)).toEqual([true, "2", "3"]);
    expect(await read(third)).toEqual([true]);
    expect(await read({ last: 2 })).toEqual([true, "2", "3"]);
    expect(await read({ last: 9 })).toEqual([true, "1", "2", "3"]);
    expect(await read({ ...second, tag: first.tag })).toEqual([false, "1", "2", "3"]);
    expect(await read({ ...second, epoch: "other" })).toEqual([false, "1", "2", "3"]);
    expect(await read({ ...third, seq: 4 })).toEqual([false, "1", "2", "3"]);
    expect(await read({ epoch: first.epoch, seq: 0, tag: "" })).toEqual([true, "1", "2", "3"]);
    // Now only the last two are kept.
    await link.append("a", message("4", { maxMessages: 2 }));
    expect(await read(first)).toEqual([false, "3", "4"]);
    expect(await read(second)).toEqual([true, "3", "4"]);
    expect(await read({ ...second, tag: "x" })).toEqual([false, "3", "4"]);
  });

  it("reads in pages, of one message at least", async () => {
    const link = memoryHistory().open(events);
    const [first] = await fill(link, "a", "1", "22", "333");
    if (!first) throw new Error("three were appended");
    const page = await link.read("a", { ...all, maxMessages: 2 });
    expect([textsOf(page), page.hasMore, page.head.seq]).toEqual([["1", "22"], true, 3]);
    const bySize = await link.read("a", { ...all, from: first, maxBytes: 1 });
    expect([textsOf(bySize), bySize.hasMore]).toEqual([["22"], true]);
    const rest = await link.read("a", { ...all, from: { last: 1 } });
    expect([textsOf(rest), rest.hasMore]).toEqual([["333"], false]);
  });

  it("drops what is too old, which is no gap for who has the last message", async () => {
    const link = memoryHistory().open(events);
    const [first, second] = await fill(link, "a", "1", "2");
    if (!first || !second) throw new Error("two were appended");
    vi.advanceTimersByTime(60_000);
    expect(await link.read("a", { ...all, from: second })).toEqual({
      entries: [],
      isContinuous: true,
      head: second,
      hasMore: false,
    });
    expect((await link.read("a", { ...all, from: first })).isContinuous).toBe(false);
    expect(await link.heads(["a", "b"])).toMatchObject([second, { seq: 0, tag: "" }]);
  });

  it("bounds the bytes of all topics together: the oldest messages go first", async () => {
    const link = memoryHistory({ maxBytes: 3 * 201 }).open(events);
    await fill(link, "a", "1", "2");
    await fill(link, "b", "3", "4");
    expect(textsOf(await link.read("a", all))).toEqual(["2"]);
    expect(textsOf(await link.read("b", all))).toEqual(["3", "4"]);
    // One that is larger than all that may be kept is told, and not kept.
    await link.append("a", message("x".repeat(500)));
    expect(textsOf(await link.read("a", all))).toEqual([]);
    await fill(link, "a", "5");
    expect(textsOf(await link.read("a", all))).toEqual(["5"]);
  });

  it("forgets topics beyond a number, but none that is subscribed to: who comes back to one finds another log", async () => {
    const link = memoryHistory({ maxTopics: 2 }).open(events);
    await link.subscribe(["quiet"]);
    const [quiet] = await link.heads(["quiet"]);
    const [position] = await fill(link, "a", "1");
    const [unused] = await link.heads(["b"]);
    for (let i = 0; i < 6; i++) await fill(link, `other${i}`, "1");
    if (!position || !unused) throw new Error("there are positions");
    expect(await link.heads(["quiet"])).toEqual([quiet]);
    expect(await link.read("a", { ...all, from: position })).toMatchObject({
      isContinuous: false,
      head: { seq: 0 },
    });
    // What was published to it meanwhile may have been forgotten.
    expect((await link.read("b", { ...all, from: unused })).isContinuous).toBe(false);
  });

  it("bounds how many ids it remembers: the oldest are forgotten first, whichever topic they are of", async () => {
    const link = memoryHistory({ maxIds: 3 }).open(events);
    const [first] = await fill(link, "a", "1", "2");
    await fill(link, "b", "3");
    expect((await fill(link, "a", "1"))[0]).toEqual(first);
    await fill(link, "b", "4");
    // "1" is forgotten, which forgets "2" when it is stored anew.
    expect((await fill(link, "a", "1"))[0]?.seq).toBe(3);
    expect((await fill(link, "b", "4"))[0]?.seq).toBe(2);
    expect((await fill(link, "a", "2"))[0]?.seq).toBe(4);
    expect(textsOf(await link.read("a", all))).toEqual(["1", "2", "1", "2"]);
  });

  it("counts no ids that have expired, or whose topic was forgotten", async () => {
    const link = memoryHistory({ maxIds: 3, maxTopics: 2 }).open(events);
    await fill(link, "a", "1", "2");
    vi.advanceTimersByTime(10_000);
    const [third] = await fill(link, "a", "3");
    // The topic "b" is forgotten for "c".
    await link.subscribe(["a"]);
    await fill(link, "b", "4");
    await fill(link, "c", "6");
    await fill(link, "c", "7");
    expect((await fill(link, "a", "3"))[0]).toEqual(third);
  });

  it("looks after what is kept until the ids have expired too", async () => {
    const link = memoryHistory().open(events);
    await link.append("a", { ...message("1", { maxAgeMs: 1_000 }), idWindowMs: 45_000 });
    vi.advanceTimersByTime(30_000);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(30_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is another log in each instance", async () => {
    const [one, other] = [memoryHistory().open(events), memoryHistory().open(events)];
    const [position] = await fill(one, "a", "1");
    if (!position) throw new Error("it was appended");
    expect((await other.read("a", { ...all, from: position })).isContinuous).toBe(false);
  });

  it.each<[what: string, options: object, text: RegExp]>([
    ["an unknown option", { max: 1 }, /there is no option "max"/],
    ["no topics", { maxTopics: 0 }, /"maxTopics" must be a whole number from 1/],
    ["no ids", { maxIds: 0 }, /"maxIds" must be a whole number from 1/],
    ["half a byte", { maxBytes: 0.5 }, /"maxBytes" must be a whole number from 1/],
  ])("refuses %s", (_what, options, text) => {
    expect(() => memoryHistory(options)).toThrow(text);
    expect(() => memoryHistory(options)).toThrow(expect.objectContaining({ code: "SPRY_WS_OPTION" }));
  });
});
