import { afterEach, beforeEach, expect, it } from "vitest";
import { FakeWorld } from "./fake-world.ts";

let world: FakeWorld;

beforeEach(() => {
  world = new FakeWorld();
});

afterEach(() => expect(world.wrong).toEqual([]));

it("tells all processes who is there, once", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  a.join({}, "ada", { name: "Ada" });
  b.join({}, "ada", { name: "Ada" });
  c.join({}, "bob", { name: "Bob" });
  world.advance(200);
  for (const process of [a, b, c]) {
    expect(process.members).toEqual({ ada: { name: "Ada" }, bob: { name: "Bob" } });
    expect([...process.heard].sort()).toEqual(["+ada", "+bob"]);
  }
});

it("leaves a member with its last connection, in whichever process", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  const [tab, phone] = [{}, {}];
  a.join(tab, "ada");
  b.join(phone, "ada");
  world.advance(200);
  a.leave(tab);
  world.advance(200);
  expect([a.heard, b.heard]).toEqual([["+ada"], ["+ada"]]);
  b.leave(phone);
  world.advance(200);
  expect([a.heard, b.heard]).toEqual([
    ["+ada", "-ada"],
    ["+ada", "-ada"],
  ]);
});

it("shows everywhere the data of the connection that joined or was updated last", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  const [tab, phone] = [{}, {}];
  a.join(tab, "ada", "tab");
  world.advance(1_000);
  b.join(phone, "ada", "phone");
  world.advance(1_000);
  for (const process of [a, b, c]) expect(process.members).toEqual({ ada: "phone" });
  a.join(tab, "ada", "tab again");
  world.advance(1_000);
  for (const process of [a, b, c]) expect(process.members).toEqual({ ada: "tab again" });
  a.leave(tab);
  world.advance(1_000);
  for (const process of [a, b, c]) expect(process.members).toEqual({ ada: "phone" });
});

it("orders what knows of each other by more than the time of day", () => {
  const [a, b] = [world.start("a", 60_000), world.start("b", -60_000)];
  a.join({}, "ada", "first");
  world.advance(200);
  b.join({}, "ada", "second");
  world.advance(200);
  expect([a.members, b.members]).toEqual([{ ada: "second" }, { ada: "second" }]);
});

it("decides alike in all processes where two joined at the same moment", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  a.join({}, "ada", "of a");
  b.join({}, "ada", "of b");
  world.advance(200);
  expect(b.members).toEqual(a.members);
  expect(c.members).toEqual(a.members);
});

it("brings a process up to date that comes later, and says when it is", async () => {
  const a = world.start("a");
  for (let i = 0; i < 2_000; i++) a.join({}, `member ${i}`, { name: "x".repeat(50) });
  world.advance(60_000);
  const b = world.start("b");
  let isReady = false;
  void b.presence.ready().then(() => {
    isReady = true;
  });
  world.advance(100);
  await Promise.resolve();
  expect(isReady).toBe(false);
  world.advance(500);
  await Promise.resolve();
  expect(isReady).toBe(true);
  expect(b.presence.membership.members.size).toBe(2_000);
  expect(Math.max(...a.sent.map((text) => text.length))).toBeLessThan(40_000);
});

it("is ready after 2 seconds where what is missing does not come", async () => {
  const a = world.start("a");
  a.join({}, "ada");
  world.advance(1_000);
  const b = world.start("b");
  world.advance(50);
  a.isPaused = true;
  let isReady = false;
  void b.presence.ready().then(() => {
    isReady = true;
  });
  world.advance(2_500);
  await Promise.resolve();
  expect(isReady).toBe(true);
});

it("hears of what was lost on the way with the next heartbeat", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  const bob = {};
  a.join({}, "ada");
  a.join(bob, "bob");
  world.advance(200);
  a.leave(bob);
  a.join({}, "eve");
  world.fates = ["lost", "lost"];
  world.advance(100);
  expect(b.members).toEqual({ ada: null, bob: null });
  world.advance(5_500);
  expect(b.members).toEqual({ ada: null, eve: null });
});

it("asks at once for what was lost when the next change shows that it is missing", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  const bob = {};
  a.join(bob, "bob");
  world.advance(200);
  a.leave(bob);
  world.fates = ["lost", "lost"];
  world.advance(100);
  a.join({}, "eve");
  world.advance(500);
  expect(b.members).toEqual({ eve: null });
  expect([...b.heard].sort()).toEqual(["+bob", "+eve", "-bob"]);
});

it("takes a whole state whose parts are lost once more", () => {
  const a = world.start("a");
  for (let i = 0; i < 2_000; i++) a.join({}, `member ${i}`, { name: "x".repeat(50) });
  world.advance(1_000);
  const isPart = (text: string) => text.startsWith('["s"');
  const { broadcast } = world;
  let parts = 0;
  world.broadcast = (from, text) => {
    if (isPart(text) && ++parts === 2) return;
    broadcast.call(world, from, text);
  };
  const b = world.start("b");
  world.advance(600);
  expect(b.presence.membership.members.size).toBe(0);
  world.advance(2_000);
  expect(b.presence.membership.members.size).toBe(2_000);
  expect(b.heard).toHaveLength(2_000);
});

it("ignores what comes twice, late, or is of somebody else", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  const ada = {};
  a.join(ada, "ada");
  world.advance(200);
  const join = a.sent.find((text) => text.startsWith('["d"')) as string;
  a.leave(ada);
  world.advance(200);
  const foreign = [
    "",
    "{}",
    "[]",
    '["d"]',
    '["d","x",1,[["k"]],[]]',
    '["d","x",1,[],[7]]',
    '["zz","x"]',
    '["s","x",1]',
  ];
  for (const text of [join, ...foreign, '["b",""]', '["constructor","x",1]', "null"])
    b.presence.receive(text);
  world.advance(20_000);
  expect(b.members).toEqual({});
  expect(b.heard).toEqual(["+ada", "-ada"]);
});

it("leaves the members of a killed process once, within 15 seconds, and not those who came back", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  a.join({}, "ada");
  a.join({}, "bob");
  world.advance(20_000);
  world.kill(a);
  world.advance(5_000);
  b.join({}, "bob");
  world.advance(5_000);
  expect(c.heard).toEqual(["+ada", "+bob"]);
  world.advance(5_000);
  for (const process of [b, c]) expect(process.heard).toEqual(["+ada", "+bob", "-ada"]);
});

it("keeps the members of processes whose heartbeats are lost now and then", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  a.join({}, "ada");
  world.advance(1_000);
  for (let i = 0; i < 20; i++) {
    world.fates = ["arrives", "lost", "arrives", "lost"];
    world.advance(15_000);
  }
  expect(b.heard).toEqual(["+ada"]);
});

it("is no leave and no join to come back within the grace, to another process", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  const [before, after] = [{}, {}];
  a.join(before, "ada", "x");
  world.advance(1_000);
  a.leave(before, 10_000);
  world.advance(9_000);
  b.join(after, "ada", "x");
  world.advance(60_000);
  for (const process of [a, b, c]) expect(process.heard).toEqual(["+ada"]);
  b.leave(after, 10_000);
  world.advance(9_900);
  for (const process of [a, b, c]) expect(process.heard).toEqual(["+ada"]);
  world.advance(700);
  for (const process of [a, b, c]) expect(process.heard).toEqual(["+ada", "-ada"]);
});

it("is no leave for those either who hear of the coming back a second after all others", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  const before = {};
  a.join(before, "ada");
  world.advance(1_000);
  a.leave(before, 10_000);
  world.advance(1_000);
  const { broadcast } = world;
  const held: string[] = [];
  world.broadcast = (from, text) => {
    if (from !== b) return broadcast.call(world, from, text);
    a.presence.receive(text);
    held.push(text);
  };
  b.join({}, "ada");
  world.advance(1_000);
  world.broadcast = broadcast;
  for (const text of held) c.presence.receive(text);
  world.advance(20_000);
  for (const process of [a, b, c]) expect(process.heard).toEqual(["+ada"]);
});

it("leaves soon where the one who came back elsewhere leaves with a word", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  const [before, after] = [{}, {}];
  a.join(before, "ada");
  world.advance(1_000);
  a.leave(before, 10_000);
  world.advance(1_000);
  b.join(after, "ada");
  world.advance(1_000);
  b.leave(after);
  world.advance(2_000);
  for (const process of [a, b, c]) expect(process.heard).toEqual(["+ada", "-ada"]);
});

it("lets the members of a process that ends come back: to one that was there, or that comes later", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  b.join({}, "bob");
  for (const key of ["ada", "eve", "joe"]) a.join({}, key);
  world.advance(1_000);
  a.end();
  world.kill(a);
  world.advance(2_000);
  const c = world.start("c");
  world.advance(1_000);
  expect(Object.keys(c.members)).toEqual(["ada", "bob", "eve", "joe"]);
  c.join({}, "ada");
  b.join({}, "eve");
  world.advance(6_000);
  expect([...b.heard].sort()).toEqual(["+ada", "+bob", "+eve", "+joe"]);
  world.advance(2_000);
  for (const process of [b, c]) {
    expect([...process.heard].sort()).toEqual(["+ada", "+bob", "+eve", "+joe", "-joe"]);
    expect(Object.keys(process.members)).toEqual(["ada", "bob", "eve"]);
  }
});

it("lets those take the members of a process that ends who only look", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  a.join({}, "ada");
  world.advance(1_000);
  a.end();
  world.kill(a);
  world.advance(1_000);
  const c = world.start("c");
  world.advance(1_000);
  expect(c.members).toEqual({ ada: null });
  world.advance(10_000);
  for (const process of [b, c]) expect(process.heard).toEqual(["+ada", "-ada"]);
});

it("does not forget who was there in a process that goes on when its servers have ended", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  const ada = {};
  a.join(ada, "ada");
  world.advance(1_000);
  a.end();
  a.leave(ada);
  world.advance(9_000);
  expect(a.members).toEqual({ ada: null });
  a.join({}, "ada");
  world.advance(30_000);
  for (const process of [a, b]) expect(process.heard).toEqual(["+ada"]);
});

it("takes a process for gone that is paused, and has it back, as it has the others", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  a.join({}, "ada");
  b.join({}, "bob");
  world.advance(1_000);
  a.isPaused = true;
  world.advance(20_000);
  expect(b.members).toEqual({ bob: null });
  b.join({}, "eve");
  world.advance(1_000);
  a.isPaused = false;
  world.advance(2_000);
  for (const process of [a, b]) expect(process.members).toEqual({ ada: null, bob: null, eve: null });
  expect(a.heard).toEqual(["+ada", "+bob", "+eve"]);
  expect(b.heard.slice(2)).toEqual(["-ada", "+eve", "+ada"]);
});

it("asks again after a pause in which nothing has waited for it", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  const bob = {};
  b.join(bob, "bob");
  world.advance(1_000);
  a.isPaused = true;
  world.advance(14_000);
  b.leave(bob);
  b.join({}, "eve");
  world.advance(1_000);
  a.waiting.length = 0;
  a.isPaused = false;
  world.advance(1_000);
  expect(a.members).toEqual({ eve: null });
});

it("has no ghosts and nobody twice when a partition has healed", () => {
  const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
  const [ada, bob] = [{}, {}];
  a.join(ada, "ada");
  b.join(bob, "bob");
  c.join({}, "eve");
  world.advance(1_000);
  world.sides.set("a", 1);
  world.advance(20_000);
  expect([a.members, b.members]).toEqual([{ ada: null }, { bob: null, eve: null }]);
  a.leave(ada);
  b.leave(bob);
  a.join({}, "bob");
  world.advance(5_000);
  world.sides.clear();
  world.advance(6_000);
  for (const process of [a, b, c]) expect(process.members).toEqual({ bob: null, eve: null });
});

it("says nothing where nobody has been present, and little where nobody is any more", () => {
  const [a, b] = [world.start("a"), world.start("b")];
  world.advance(60_000);
  expect([...a.sent, ...b.sent].filter((text) => !text.startsWith('["h"'))).toEqual([]);
  const ada = {};
  a.join(ada, "ada");
  world.advance(1_000);
  a.leave(ada);
  world.advance(20_000);
  const { length } = a.sent;
  world.advance(60_000);
  expect(a.sent).toHaveLength(length);
});
