import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Presence, PresenceChange } from "@spry-ws/client";
import fc from "fast-check";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { type contract, RoomService } from "./room-service.ts";

let client: Client<typeof contract> | undefined;

afterEach(() => client?.close());

function start(members: Readonly<Record<string, number>> = {}) {
  const service = new RoomService();
  for (const [key, data] of Object.entries(members)) service.set(key, data);
  const connected = service.connect();
  client = connected;
  return { service, client: connected };
}

/** What a listener hears: `+a1 -b2 ~c3`. */
function listen(presence: Presence<number>): string[] {
  const heard: string[] = [];
  const inShort = (sign: string, members: PresenceChange<number>["joined"]) =>
    members.map(({ key, data }) => `${sign}${key}${data}`);
  presence.listen(({ joined, left, updated }) =>
    heard.push([...inShort("+", joined), ...inShort("-", left), ...inShort("~", updated)].join(" ")),
  );
  return heard;
}

describe("who is there", () => {
  it("is asked for when somebody reads it, and no longer than the last use", async () => {
    const { service, client } = start({ a: 1 });
    const [one, other] = [client.topic("room"), client.topic("room")];
    one.onItem(() => {});
    await service.arrive();
    expect(service.kinds).toBe("h");
    expect(one.presence.isLive).toBe(false);
    expect(other.presence.members.size).toBe(0);
    await service.arrive();
    expect(service.kinds).toBe("h p1");
    expect([...one.presence.members]).toEqual([["a", 1]]);
    expect([...other.presence.members]).toEqual([["a", 1]]);
    other.close();
    await service.arrive();
    expect(service.kinds).toBe("h p1");
    const last = client.topic("room");
    last.onItem(() => {});
    one.close();
    await service.arrive();
    expect(service.kinds).toBe("h p1 s p0");
    last.close();
    await service.arrive();
    expect(service.kinds).toBe("h p1 s p0 u");
  });

  it("changes with those who come, change and go, and each listener hears it once", async () => {
    const { service, client } = start({ a: 1, b: 2, c: 3, d: 4 });
    const { presence } = client.topic("room");
    const heard = listen(presence);
    await service.arrive();
    expect(presence).toMatchObject({ count: 4, isComplete: true, isLive: true });
    service.set("a", 5);
    service.delete("b");
    service.set("e", 6);
    await service.arrive();
    expect(heard).toEqual(["+a1 +b2 +c3 +d4", "~a5", "-b2", "+e6"]);
    expect(presence.count).toBe(4);
  });

  it("stays as it was without a connection, and then only the difference is told", async () => {
    const { service, client } = start({ a: 1, b: 2, c: 3, d: 4 });
    const { presence } = client.topic("room");
    const heard = listen(presence);
    await service.arrive();
    const { members } = presence;
    service.cut();
    expect(presence).toMatchObject({ members, isLive: false, isComplete: true, count: 4 });
    service.set("e", 5);
    service.delete("a");
    service.set("b", 6);
    service.delete("c");
    service.set("c", 3);
    await service.arrive();
    expect(heard).toEqual(["+a1 +b2 +c3 +d4", "", "+e5 -a1 ~b6"]);
    expect(presence.isLive).toBe(true);
  });

  it("is a number where there are too many, and the names come back with the difference", async () => {
    const { service, client } = start({ a: 1, b: 2 });
    service.maxMembers = 2;
    const { presence } = client.topic("room");
    const heard = listen(presence);
    await service.arrive();
    service.set("c", 3);
    await service.arrive();
    expect(presence).toMatchObject({ count: 3, isComplete: false, isLive: true });
    expect(presence.members.size).toBe(0);
    service.delete("a");
    await service.arrive();
    expect(presence).toMatchObject({ count: 2, isComplete: true });
    expect(heard).toEqual(["+a1 +b2", "", "+c3 -a1"]);
  });

  it("keeps the subscription to a durable topic that nobody reads, and asks for no messages anew", async () => {
    const { service, client } = start({ a: 1 });
    const { presence } = client.topic("room", {}, { from: "start" });
    await service.arrive();
    service.cut();
    await service.arrive();
    expect(service.kinds).toBe("h p1 h p1");
    const asked = service.heard.flatMap((frame) => (frame[0] === "h" ? frame[2] : []));
    expect(asked).toEqual([
      ["room", null],
      ["room", null],
    ]);
    expect(presence.count).toBe(1);
  });

  it("is not left with a use that pauses: a pause says so", async () => {
    const { service, client } = start();
    const room = client.topic("room", {}, { from: "e1.0." });
    const stop = room.onItem(() => {});
    await service.arrive();
    stop();
    await service.arrive();
    expect(service.kinds).toBe("h u1");
  });

  it("tells a use that was closed nothing more, and the others all", async () => {
    const { service, client } = start();
    const [one, other] = [client.topic("room"), client.topic("room")];
    const [closed, open] = [listen(one.presence), listen(other.presence)];
    await service.arrive();
    one.close();
    service.set("a", 1);
    await service.arrive();
    expect([closed, open]).toEqual([[""], ["", "+a1"]]);
  });

  it("is out of date where the topic is refused, and when the client is closed", async () => {
    const { service, client } = start({ a: 1 });
    const { presence } = client.topic("room");
    const heard = listen(presence);
    await service.arrive();
    service.cut();
    service.isRefusing = true;
    await service.arrive();
    expect(presence).toMatchObject({ count: 1, isLive: false });
    const other = start({ b: 1 });
    const there = other.client.topic("room").presence;
    listen(there);
    await other.service.arrive();
    other.client.close();
    expect(there.isLive).toBe(false);
    client.close();
    expect(heard).toEqual(["+a1", ""]);
  });

  it("goes on for others when a listener throws", async () => {
    const { service, client } = start({ a: 1 });
    const { presence } = client.topic("room");
    const errors: unknown[] = [];
    const keep = (error: unknown) => errors.push(error);
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", keep);
    onTestFinished(() => {
      process.off("uncaughtException", keep);
      for (const other of others) process.on("uncaughtException", other);
    });
    presence.listen(() => {
      throw new Error("the listener's own");
    });
    const heard = listen(presence);
    await service.arrive();
    expect(heard).toEqual(["+a1"]);
    expect(errors).toMatchObject([{ message: "the listener's own" }]);
  });
});

type Step =
  | readonly ["set", key: string, data: number]
  | readonly ["delete", key: string]
  | readonly ["cut" | "hear" | "tell" | "wait" | "look" | "close"];

const key = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant("set"), key, fc.nat({ max: 2 })) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("delete"), key) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("hear", "tell", "wait")) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("cut", "look", "close")) },
) as fc.Arbitrary<Step>;

describe("who is there, with cuts anywhere", () => {
  it("is what the service knows in the end, and changes tell exactly how it became so", {
    timeout: 120_000,
  }, async () => {
    const runs = Number(process.env["PRESENCE_RUNS"] ?? 60);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(2, 4, 1_000),
        async (steps, max) => {
          const service = new RoomService();
          service.maxMembers = max;
          service.partSize = 2;
          const client = service.connect();
          const room = client.topic("room");
          const told = new Map<string, number>();
          room.presence.listen(({ joined, left, updated }) => {
            for (const { key, data } of joined) {
              expect(told.has(key)).toBe(false);
              told.set(key, data);
            }
            for (const { key, data } of updated) {
              expect(told.get(key)).not.toBe(data);
              expect(told.has(key)).toBe(true);
              told.set(key, data);
            }
            for (const { key, data } of left) {
              expect(told.get(key)).toBe(data);
              told.delete(key);
            }
            if (room.presence.isComplete) expect(new Map(room.presence.members)).toEqual(told);
          });
          let other = client.topic("room");
          for (const [what, ...rest] of steps) {
            if (what === "set") service.set(rest[0] as string, rest[1] as number);
            else if (what === "delete") {
              if (service.members.has(rest[0] as string)) service.delete(rest[0] as string);
            } else if (what === "cut") service.cut();
            else if (what === "hear") service.hear();
            else if (what === "tell") service.tell(1);
            else if (what === "wait") await sleep(2);
            else if (what === "look") expect(other.presence.count).toBe(room.presence.count);
            else {
              other.close();
              other = client.topic("room");
            }
          }
          await service.arrive();
          const { presence } = room;
          const isComplete = service.members.size <= max;
          expect(presence).toMatchObject({ count: service.members.size, isLive: true, isComplete });
          expect(new Map(presence.members)).toEqual(isComplete ? service.members : new Map());
          if (isComplete) expect(told).toEqual(service.members);
          client.close();
        },
      ),
      { numRuns: runs, verbose: true },
    );
  });
});
