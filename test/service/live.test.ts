import { describe, expect, it } from "vitest";
import { defaultSlices, type FeedFollower, Live } from "../../packages/service/src/history/live.ts";
import type { Item } from "../../packages/service/src/history/run.ts";

const positionOf = (seq: number) => ({ epoch: "e", seq, tag: String(seq) });
const itemOf = (seq: number, byteLength = 10): Item => ({
  position: positionOf(seq),
  frame: undefined,
  byteLength,
});
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));

class Recorder implements FeedFollower {
  givenUpTo = 0;
  readonly got: number[] = [];
  lostAt: number | undefined;
  /** How long it takes to give it an item. */
  busyMs = 0;
  /** The number of the item that it does not take. */
  refused: number | undefined;

  deliver({ position: { seq } }: Item, before: { seq: number }): boolean {
    const until = performance.now() + this.busyMs;
    while (performance.now() < until);
    expect(before.seq).toBe(seq - 1);
    if (seq === this.refused) return false;
    this.got.push(seq);
    return true;
  }

  lost({ seq }: { seq: number }): void {
    this.lostAt = seq;
  }
}

function join(live: Live, count: number): Recorder[] {
  return Array.from({ length: count }, () => {
    const one = new Recorder();
    live.join(one);
    return one;
  });
}

function push(live: Live, from: number, to = from, byteLength?: number): void {
  for (const seq of numbers(from, to)) live.push(itemOf(seq, byteLength), positionOf(seq - 1));
}

describe("the followers of a topic", () => {
  it("are given an item at once where they are few", () => {
    const live = new Live(defaultSlices);
    const all = join(live, 16);
    push(live, 1, 2);
    for (const one of all) expect(one.got).toEqual([1, 2]);
  });

  it("are given it in slices where they are many, between which the event loop does its other work", async () => {
    const live = new Live(defaultSlices);
    const all = join(live, 500);
    // Together 100 ms.
    for (const one of all) one.busyMs = 0.1;
    push(live, 1, 2);
    let turns = 0;
    for (; !all.every(({ got }) => got.length === 2); turns++) await immediate();
    expect(turns).toBeGreaterThan(8);
    for (const one of all) expect(one.got).toEqual([1, 2]);
  });

  it("get each item once and in order, whatever comes between the slices", async () => {
    const live = new Live({ atOnce: 0, perLook: 1, ms: 0 });
    const all = join(live, 6);
    const [first, second, , fourth, fifth] = all as Recorder[];
    push(live, 1, 2);
    await immediate();
    await immediate();
    // Two or three have been given them; these come and go meanwhile.
    push(live, 3);
    const [late] = join(live, 1);
    live.leave(fifth as Recorder);
    (fourth as Recorder).refused = 2;
    await immediate();
    push(live, 4);
    live.leave(first as Recorder);
    const gotUntilThen = [...(first as Recorder).got];
    for (let i = 0; i < 30; i++) await immediate();
    expect(late?.got).toEqual([4]);
    expect(fourth?.got).toEqual([1]);
    expect(fifth?.got).toEqual([]);
    expect(first?.got).toEqual(gotUntilThen);
    for (const one of [second, all[2], all[5]]) expect(one?.got).toEqual([1, 2, 3, 4]);
    // Who was full comes back at the end.
    (fourth as Recorder).refused = undefined;
    live.join(fourth as Recorder);
    push(live, 5);
    for (let i = 0; i < 30; i++) await immediate();
    expect(fourth?.got).toEqual([1, 5]);
    expect(second?.got).toEqual([1, 2, 3, 4, 5]);
  });

  it("get what waits at once where it would be much", () => {
    const live = new Live(defaultSlices);
    const all = join(live, 20);
    push(live, 1, 1_023);
    expect(all[0]?.got).toEqual([]);
    push(live, 1_024);
    for (const one of all) expect(one.got).toEqual(numbers(1, 1_024));
    push(live, 1_025, 1_028, 65_536);
    for (const one of all) expect(one.got.length).toBe(1_028);
  });

  it("get what waits before they are told that something is missing", async () => {
    const live = new Live(defaultSlices);
    const all = join(live, 20);
    (all[3] as Recorder).refused = 2;
    push(live, 1, 2);
    live.lose(positionOf(2));
    for (const [index, one] of all.entries()) {
      expect(one.got).toEqual(index === 3 ? [1] : [1, 2]);
      expect(one.lostAt).toBe(index === 3 ? undefined : 2);
    }
    push(live, 3);
    await immediate();
    expect(all[0]?.got).toEqual([1, 2]);
  });
});
