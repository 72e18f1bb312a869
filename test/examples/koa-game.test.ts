import { start } from "@spry-ws/example-koa-game";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Client } from "../fixtures/client.ts";
import { nextJson, run, until } from "../fixtures/example.ts";

const open = () => run(start({ port: 0 }));
type App = Awaited<ReturnType<typeof open>>;

const right = 8;

interface Snapshot {
  readonly tick: number;
  readonly players: Map<number, { x: number; y: number; score: number }>;
}

/** Joins the game: the client, and its player's id. */
async function play(app: App): Promise<{ client: Client; id: number }> {
  const client = await Client.open(app.url("/play"));
  const { you } = await nextJson(client);
  return { client, id: Number(you) };
}

/** The next snapshot; what is not one is left out. */
async function nextSnapshot(client: Client): Promise<Snapshot> {
  for (;;) {
    const bytes = await client.next();
    if (typeof bytes !== "string" && bytes.length < 1_000) return decode(bytes);
  }
}

function decode(bytes: Buffer): Snapshot {
  const players: Snapshot["players"] = new Map();
  for (let at = 8; at < bytes.length; at += 8) {
    const [id = 0, x = 0, y = 0, score = 0] = [0, 2, 4, 6].map((offset) => bytes.readUInt16BE(at + offset));
    players.set(id, { x, y, score });
  }
  return { tick: bytes.readUInt32BE(0), players };
}

/** The first snapshot of which something is true. */
async function snapshotWith(client: Client, isMeant: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
  for (;;) {
    const snapshot = await nextSnapshot(client);
    if (isMeant(snapshot)) return snapshot;
  }
}

describe("examples/koa-game", () => {
  afterEach(() => void vi.useRealTimers());

  it("shows two players each other, and moves who presses a key", async () => {
    await using app = await open();
    const first = await play(app);
    const second = await play(app);
    expect(second.id).not.toBe(first.id);
    const views = await Promise.all(
      [first, second].map(({ client }) => snapshotWith(client, ({ players }) => players.size === 2)),
    );
    const [before] = views;
    for (const { players } of views) expect([...players.keys()].sort()).toEqual([first.id, second.id].sort());

    const from = before?.players.get(second.id)?.x ?? 0;
    second.client.send(Uint8Array.of(right));
    await snapshotWith(first.client, ({ players }) => {
      const x = players.get(second.id)?.x ?? 0;
      return x > from || x === 800;
    });
    await second.client[Symbol.asyncDispose]();
    await snapshotWith(first.client, ({ players }) => players.size === 1);
    await first.client[Symbol.asyncDispose]();
  });

  it("makes 30 steps in a second, and no step more or less after ten", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await using app = await open();
    await using first = (await play(app)).client;
    vi.advanceTimersByTime(10_000);
    await using second = (await play(app)).client;
    vi.advanceTimersByTime(40);
    const { tick } = await nextSnapshot(second);
    // Half a step to the left and right of ten seconds are rounding.
    expect(tick).toBeGreaterThanOrEqual(300);
    expect(tick).toBeLessThanOrEqual(301);
    expect((await nextSnapshot(first)).tick).toBe(1);
  });

  it("skips a client that does not read, keeps it connected, and goes on when it reads again", async () => {
    await using app = await open();
    const stalled = await play(app);
    await using _stalled = stalled.client;
    let { tick } = await nextSnapshot(stalled.client);
    const [peer] = app.spry.peers;
    if (!peer) throw new Error("The player is not there");

    stalled.client.socket.pause();
    // More than the buffers of the operating system take: snapshots alone would need minutes for that.
    while (peer.bufferedAmount < 14_000_000) peer.send(new Uint8Array(500_000));
    await until(() => !peer.topics.has("snapshots"));
    const { bufferedAmount } = peer;
    const other = await play(app);
    await using _other = other.client;
    const { tick: before } = await nextSnapshot(other.client);
    await snapshotWith(other.client, (snapshot) => snapshot.tick > before + 10);
    expect(peer.bufferedAmount).toBeLessThanOrEqual(bufferedAmount);
    expect(app.spry.peers.size).toBe(2);

    stalled.client.socket.resume();
    const next = await snapshotWith(stalled.client, (snapshot) => {
      const missed = snapshot.tick - tick;
      tick = snapshot.tick;
      return missed > 10;
    });
    expect([...next.players.keys()]).toEqual([stalled.id, other.id]);
    expect((await nextSnapshot(stalled.client)).tick).toBeGreaterThan(next.tick);
  });

  it("runs only while someone is there", async () => {
    await using app = await open();
    expect(app.loop.isRunning).toBe(false);
    const players = [await play(app), await play(app)];
    expect(app.loop.isRunning).toBe(true);
    for (const { client } of players) await client[Symbol.asyncDispose]();
    await until(() => app.spry.peers.size === 0);
    expect(app.loop.isRunning).toBe(false);
    await using again = (await play(app)).client;
    await nextSnapshot(again);
  });

  it.each([
    ["text", "8"],
    ["two bytes", Uint8Array.of(1, 2)],
    ["no byte", new Uint8Array()],
    ["a key that does not exist", Uint8Array.of(16)],
  ])("ends the connection of a client that sends %s", async (_what, message) => {
    await using app = await open();
    const { client } = await play(app);
    client.send(message);
    expect(await client.closed).toEqual({ code: 1008, reason: "not an input" });
  });

  it("serves its page and nothing else", async () => {
    await using app = await open();
    const page = await fetch(app.httpUrl("/"));
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect((await fetch(app.httpUrl("/game.js"))).status).toBe(200);
    expect((await fetch(app.httpUrl("/index.html"))).status).toBe(404);
    expect((await fetch(app.httpUrl("/play"))).status).toBe(426);
  });

  it("stops with a close frame for everyone", async () => {
    await using app = await open();
    const { client } = await play(app);
    await app.stop();
    expect((await client.closed).code).toBe(1001);
    expect(app.loop.isRunning).toBe(false);
  });
});
