import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Presence } from "../../packages/service/src/presence/presence.ts";
import type { PresenceChange, PresenceListener } from "../../packages/service/src/presence/view.ts";

const topic = "rooms/42";

let reported: unknown[];
let presence: Presence;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "setInterval", "clearInterval", "setImmediate", "performance"] });
  reported = [];
  presence = new Presence({
    carrier: { publish: () => {}, subscribe: () => () => {} },
    channelOf: (topic) => topic,
    optionsOf: () => ({ graceMs: 10_000, maxDataBytes: 64 }),
    report: (error) => reported.push(error),
    maxIdle: 3,
  });
});

afterEach(() => vi.useRealTimers());

/** What a listener hears: each change as one text, like `+ada -bob ~eve`. */
function heard(listen: (listener: PresenceListener) => () => void): { texts: string[]; end: () => void } {
  const texts: string[] = [];
  const text = ({ joined, left, updated }: PresenceChange) =>
    [
      ...joined.map(({ key }) => `+${key}`),
      ...left.map(({ key }) => `-${key}`),
      ...updated.map(({ key }) => `~${key}`),
    ].join(" ");
  const end = listen((change) => void texts.push(text(change)));
  return { texts, end };
}

it("joins a member once, however many connections it has, and leaves it with the last", () => {
  const { texts } = heard(presence.view(topic).listen);
  const [tab, phone] = [{}, {}];
  presence.join(topic, tab, { key: "ada", data: 1 });
  vi.advanceTimersByTime(100);
  presence.join(topic, phone, { key: "ada", data: 1 });
  vi.advanceTimersByTime(100);
  presence.leave(topic, tab, false);
  vi.advanceTimersByTime(100);
  expect(texts).toEqual(["+ada"]);
  presence.leave(topic, phone, false);
  presence.leave(topic, phone, false);
  vi.advanceTimersByTime(100);
  expect(texts).toEqual(["+ada", "-ada"]);
});

it("tells in one change what happens within 50 ms of the one before, and the first at once", () => {
  const view = presence.view(topic);
  const { texts } = heard(view.listen);
  presence.join(topic, {}, { key: "ada", data: 1 });
  vi.advanceTimersByTime(1);
  expect(texts).toEqual(["+ada"]);
  const bob = {};
  presence.join(topic, bob, { key: "bob", data: 1 });
  presence.join(topic, {}, { key: "eve", data: 1 });
  presence.leave(topic, bob, false);
  vi.advanceTimersByTime(48);
  expect(texts).toEqual(["+ada"]);
  expect(view.count).toBe(1);
  vi.advanceTimersByTime(2);
  expect(texts).toEqual(["+ada", "+eve"]);
  expect([...view.members.keys()]).toEqual(["ada", "eve"]);
});

it("shows the data of the connection that joined or was updated last", () => {
  const view = presence.view(topic);
  const { texts } = heard(view.listen);
  const [tab, phone] = [{}, {}];
  presence.join(topic, tab, { key: "ada", data: { on: "tab" } });
  vi.advanceTimersByTime(100);
  presence.join(topic, phone, { key: "ada", data: { on: "phone" } });
  vi.advanceTimersByTime(100);
  expect(view.members.get("ada")).toEqual({ on: "phone" });
  expect(presence.update(topic, tab, { on: "tab", typing: true })).toBe(true);
  vi.advanceTimersByTime(100);
  expect(view.members.get("ada")).toEqual({ on: "tab", typing: true });
  presence.leave(topic, tab, false);
  vi.advanceTimersByTime(100);
  expect(view.members.get("ada")).toEqual({ on: "phone" });
  expect(texts).toEqual(["+ada", "~ada", "~ada", "~ada"]);
  expect(presence.update(topic, tab, { on: "tab" })).toBe(false);
});

it("does not tell an update that changes nothing, and keeps the data as it was given", () => {
  const view = presence.view(topic);
  const { texts } = heard(view.listen);
  const connection = {};
  const data = { name: "Ada" };
  presence.join(topic, connection, { key: "ada", data });
  vi.advanceTimersByTime(100);
  data.name = "somebody else";
  presence.update(topic, connection, { name: "Ada" });
  vi.advanceTimersByTime(100);
  expect(texts).toEqual(["+ada"]);
  expect(view.members.get("ada")).toEqual({ name: "Ada" });
});

it("keeps a member whose connection has gone for the grace, and no longer", () => {
  const { texts } = heard(presence.view(topic).listen);
  const connection = {};
  presence.join(topic, connection, { key: "ada", data: 1 });
  presence.leave(topic, connection, true);
  vi.advanceTimersByTime(9_000);
  presence.join(topic, {}, { key: "ada", data: 1 });
  vi.advanceTimersByTime(9_000);
  expect(texts).toEqual(["+ada"]);
  const other = {};
  presence.join(topic, other, { key: "bob", data: 1 });
  vi.advanceTimersByTime(100);
  presence.leave(topic, other, true);
  vi.advanceTimersByTime(9_900);
  expect(texts).toEqual(["+ada", "+bob"]);
  vi.advanceTimersByTime(700);
  expect(texts).toEqual(["+ada", "+bob", "-bob"]);
});

it("leaves at once when the one who came back leaves with a word", () => {
  const { texts } = heard(presence.view(topic).listen);
  const [before, after] = [{}, {}];
  presence.join(topic, before, { key: "ada", data: 1 });
  presence.leave(topic, before, true);
  presence.join(topic, after, { key: "ada", data: 1 });
  vi.advanceTimersByTime(100);
  presence.leave(topic, after, false);
  vi.advanceTimersByTime(100);
  expect(texts).toEqual(["+ada", "-ada"]);
});

it("takes a connection that joins under another key for another member", () => {
  const { texts } = heard(presence.view(topic).listen);
  const connection = {};
  presence.join(topic, connection, { key: "guest", data: 1 });
  vi.advanceTimersByTime(100);
  presence.join(topic, connection, { key: "ada", data: 1 });
  vi.advanceTimersByTime(100);
  expect(texts).toEqual(["+guest", "+ada -guest"]);
});

it("refuses keys and data that are none, or too much, and changes nothing", () => {
  const view = presence.view(topic);
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const join = (key: unknown, data: unknown) => () => presence.join(topic, {}, { key: key as string, data });
  expect(join(42, 1)).toThrow("the key of a member is a string, like the id of a user, not a number");
  expect(join("", 1)).toThrow("1 to 256 characters");
  expect(join("a".repeat(257), 1)).toThrow("1 to 256 characters");
  expect(join("ada", "é".repeat(32))).toThrow('"ada" has 66 bytes as JSON, and may have 64');
  expect(join("ada", cycle)).toThrow("cannot be written as JSON");
  expect(join("ada", () => {})).toThrow("a function, which JSON cannot write");
  expect(() => presence.join(topic, {}, undefined as never)).toThrow(
    "a member is { key, data }, not undefined",
  );
  expect(() => view.listen("ada" as never)).toThrow("listen(listener) takes a function, not a string");
  vi.advanceTimersByTime(100);
  expect(view.count).toBe(0);
});

it("reports what listeners throw or reject with, and calls the others", async () => {
  const view = presence.view(topic);
  const [thrown, rejected] = [new Error("thrown"), new Error("rejected")];
  view.listen(() => {
    throw thrown;
  });
  view.listen(() => Promise.reject(rejected));
  const { texts, end } = heard(view.listen);
  presence.join(topic, {}, { key: "ada", data: 1 });
  await vi.advanceTimersByTimeAsync(100);
  expect(reported).toEqual([thrown, rejected]);
  expect(texts).toEqual(["+ada"]);
  end();
  end();
  presence.join(topic, {}, { key: "bob", data: 1 });
  await vi.advanceTimersByTimeAsync(100);
  expect(texts).toEqual(["+ada"]);
});

it("lets go of a topic that nobody uses, and of its timer", () => {
  const before = vi.getTimerCount();
  const connection = {};
  presence.join(topic, connection, { key: "ada", data: 1 });
  const { end } = heard(presence.view(topic).listen);
  vi.advanceTimersByTime(120_000);
  presence.leave(topic, connection, false);
  vi.advanceTimersByTime(120_000);
  expect(vi.getTimerCount()).toBe(before + 1);
  end();
  vi.advanceTimersByTime(59_000);
  expect(vi.getTimerCount()).toBe(before + 1);
  vi.advanceTimersByTime(2_000);
  expect(vi.getTimerCount()).toBe(before);
});

it("follows only so many topics in which nobody is here, and gives up the one that was used the longest ago", async () => {
  const ended: string[] = [];
  const sent: string[] = [];
  const rooms = new Presence({
    carrier: {
      publish: (topic, text) =>
        void sent.push(`${topic} ${JSON.parse(text)[0]} ${JSON.stringify(JSON.parse(text)[4])}`),
      subscribe: (topic) => () => void ended.push(topic),
    },
    channelOf: (topic) => topic,
    optionsOf: () => ({ graceMs: 3_600_000, maxDataBytes: 64 }),
    report: (error) => reported.push(error),
    maxIdle: 3,
  });
  const stay = {};
  rooms.join("busy", stay, { key: "ada", data: 1 });
  const { end } = heard(rooms.view("listened").listen);
  for (let n = 1; n <= 5; n++) {
    const guest = {};
    rooms.join(`room ${n}`, guest, { key: "bob", data: 1 });
    await vi.advanceTimersByTimeAsync(100);
    // The one that is looked at now and then is not given up.
    expect(rooms.view("looked at").count).toBe(0);
    rooms.leave(`room ${n}`, guest, true);
  }
  expect(ended).toEqual(["room 1", "room 2", "room 3"]);
  // Those who might have come back have left, for the others too.
  expect(sent.filter((text) => text.endsWith('["bob"]'))).toEqual(ended.map((room) => `${room} d ["bob"]`));
  // Who waits is not left to wait.
  const known = rooms.view("waited for").ready();
  for (const name of ["a", "b", "c"]) rooms.view(name).count;
  await known;
  end();
  rooms.leave("busy", stay, true);
  expect(ended.slice(3)).toEqual(["room 4", "looked at", "room 5", "waited for", "a", "b"]);
  rooms.rest(true);
  expect(ended).toHaveLength(12);
});
