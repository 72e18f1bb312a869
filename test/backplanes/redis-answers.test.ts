import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { redis } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { missingRedis, type OwnBroker, startRedis } from "../fixtures/brokers.ts";
import { Load, WatchedLink } from "./outages.ts";
import { redisLibraries } from "./redis-clients.ts";

function adminOf(server: OwnBroker): Redis {
  const admin = new Redis(server.url);
  onTestFinished(() => admin.disconnect());
  return admin;
}

describe.skipIf(missingRedis()).each(redisLibraries)("Redis with $name", { timeout: 30_000 }, (library) => {
  const open = (url: string) => {
    const { client, dispose } = library.idle(url);
    onTestFinished(dispose);
    return new WatchedLink(redis({ client }));
  };

  it("is down while a script runs for too long, and refuses nothing meanwhile", async () => {
    await using server = await startRedis("--busy-reply-threshold", "20");
    const [admin, other] = [adminOf(server), adminOf(server)];
    await using one = open(server.url);
    await using two = open(server.url);
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    await two.link.subscribe(["load"]);
    const load = new Load(one, "load");
    await two.until(() => two.received.length > 100, "messages");
    const script = other.eval("while true do end", 0);
    await one.untilState("down");
    expect(one.reasons.at(-1)?.message).toMatch(/BUSY/);
    // It stays so, and is not tried in a loop.
    await one.until(() => one.reasons.length > 3, "attempts");
    expect(one.states).toEqual(["up", "down"]);
    await admin.script("KILL");
    await expect(script).rejects.toThrow();
    await one.untilState("up");
    const count = await load.stop();
    await two.untilReceived(`load ${count - 1}`);
    expect(load.refused).toEqual([]);
  });

  it("is up on a server that cannot write its data to disk", async () => {
    const directory = await mkdtemp(join(tmpdir(), "spry-ws-disk-"));
    await using server = await startRedis("--save", "3600 1", "--dir", directory);
    await rm(directory, { recursive: true });
    const admin = adminOf(server);
    await admin.set("key", "value");
    await admin.bgsave();
    await expect.poll(() => admin.ping().catch(String)).toMatch(/MISCONF/);
    await using link = open(server.url);
    await link.untilState("up");
    await link.link.subscribe(["topic"]);
    await link.publish("topic", "x");
    await link.untilReceived("topic x");
    expect(link.states).toEqual(["up"]);
  });
});
