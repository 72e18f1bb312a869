import { defineContract } from "@spry-ws/contract";
import type { Presence } from "@spry-ws/contract/wire";
import { type Peer, useSubprotocolToken } from "@spry-ws/core";
import { createService, type ServiceImplementation } from "@spry-ws/service";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import type { Adapter } from "../fixtures/adapter.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";
import { clientId, WireClient } from "../fixtures/wire-client.ts";

const contract = defineContract({
  topics: {
    "rooms/:room": { message: z.string(), presence: z.object({ name: z.string() }) },
    plain: { message: z.string() },
  },
});

interface User {
  readonly user: string;
}
type Room = NonNullable<ServiceImplementation<typeof contract, User>["topics"]>["rooms/:room"];

/** A service in whose rooms everybody is a member whose token is a name. */
async function servePresence(
  adapter: Adapter,
  room: Partial<Room> = {},
  limits: ServiceImplementation<typeof contract, User>["limits"] = {},
) {
  const app: RunningApp = await serve(adapter, { routes: { "/live": { hooks: () => service } } });
  const peers = new Map<string, Peer<User>>();
  const service = createService<typeof contract, User>(app.spry, contract, {
    upgrade: (event) => ({ context: { user: useSubprotocolToken(event).token ?? "" } }),
    open: (peer) => void peers.set(peer.context.user, peer),
    limits,
    topics: {
      "rooms/:room": {
        subscribe: true,
        presence: ({ context: { user } }) => (user ? { key: user, data: { name: user } } : undefined),
        graceMs: 60_000,
        ...room,
      },
      plain: { subscribe: true },
    },
  });
  return {
    app,
    service,
    peers,
    room: service.presence("rooms/:room", { room: "1" }),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
    /** Says hello as this user, and subscribes to the topics. */
    async join(user: string, topics: readonly string[] = ["rooms/1"]): Promise<WireClient> {
      const client = await WireClient.connect(
        app.url("/live"),
        user ? ["spry.v1", `bearer.${user}`] : ["spry.v1"],
      );
      client.say(["h", clientId(), topics.map((topic) => [topic] as const)]);
      await client.next("h");
      for (const _ of topics) await client.next("s");
      return client;
    },
  };
}

async function nextPresence(client: WireClient): Promise<Presence> {
  return (await client.next("P"))[2] as Presence;
}

/** Nothing about presence comes up to the answer to a request that is unknown. */
async function staysSilent(client: WireClient): Promise<void> {
  client.say(["q", 1, "none", null]);
  for (;;) {
    const frame = await client.next();
    expect(frame[0]).not.toBe("P");
    if (frame[0] === "f") return;
  }
}

const ada = ["ada", { name: "ada" }] as const;
const bob = ["bob", { name: "bob" }] as const;

/** Who is there, over the wire. */
export function servicePresenceSuite(adapter: Adapter): void {
  describe("who is there", () => {
    it("is told to those who ask, and not to others", async () => {
      await using live = await servePresence(adapter);
      await using one = await live.join("ada");
      await using other = await live.join("bob");
      await expect.poll(() => [...live.room.members]).toEqual([ada, bob]);
      await staysSilent(one);
      one.say(["p", "rooms/1", 1]);
      expect(await nextPresence(one)).toEqual({ count: 2, from: 0, all: [ada, bob] });
      await using third = await live.join("carla");
      expect(await nextPresence(one)).toEqual({ count: 3, set: [["carla", { name: "carla" }]] });
      third.say(["u", "rooms/1"]);
      expect(await nextPresence(one)).toEqual({ count: 2, gone: ["carla"] });
      one.say(["p", "rooms/1", 0]);
      await live.join("dora");
      await expect.poll(() => live.room.count).toBe(3);
      one.say(["q", 2, "none", null]);
      expect((await one.next("P", "f"))[0]).toBe("f");
      await staysSilent(other);
    });

    it("is asked for in the same breath as the topic, and only in one that is subscribed to", async () => {
      await using live = await servePresence(adapter);
      await using client = await live.join("ada", ["plain"]);
      client.say(["p", "rooms/1", 1]);
      client.say(["p", "plain", 1]);
      client.say(["p", "none", 1]);
      await staysSilent(client);
      client.say(["s", "rooms/1"]);
      client.say(["p", "rooms/1", 1]);
      client.say(["p", "rooms/1", 1]);
      expect((await client.next("s"))[2]).toBe("live");
      const first = await nextPresence(client);
      if (first.count === 0) expect(await nextPresence(client)).toEqual({ count: 1, set: [ada] });
      else expect(first).toEqual({ count: 1, from: 0, all: [ada] });
      client.say(["u", "rooms/1"]);
      client.say(["q", 2, "none", null]);
      await live.join("bob");
      await expect.poll(() => [...live.room.members.keys()]).toEqual(["bob"]);
      await staysSilent(client);
    });

    it("has a member once, with all connections, until the last has left", async () => {
      await using live = await servePresence(adapter);
      const changes: unknown[] = [];
      live.room.listen(({ joined, left, updated }) =>
        changes.push([
          ...joined.map(({ key }) => `+${key}`),
          ...left.map(({ key }) => `-${key}`),
          ...updated,
        ]),
      );
      const one = await live.join("ada");
      const other = await live.join("ada");
      await expect.poll(() => changes).toEqual(["+ada"].map((change) => [change]));
      one.say(["u", "rooms/1"]);
      await staysSilent(one);
      other.socket.close(1000);
      await expect.poll(() => changes).toEqual([["+ada"], ["-ada"]]);
      await one[Symbol.asyncDispose]();
    });

    it.each<[how: string, end: (client: WireClient) => unknown, stays: boolean]>([
      ["is cut", (client) => client.socket.terminate(), true],
      ["goes with its page", (client) => client.socket.close(1001), true],
      ["goes with a page that may come back", (client) => client.socket.close(1000, "page hidden"), true],
      ["pauses", (client) => client.say(["u", "rooms/1", 1]), true],
      ["unsubscribes", (client) => client.say(["u", "rooms/1"]), false],
      ["is closed", (client) => client.socket.close(1000), false],
      ["says what is no frame", (client) => client.socket.send("{"), false],
    ])("when a connection %s", async (_how, end, stays) => {
      await using live = await servePresence(adapter);
      await using witness = await live.join("");
      witness.say(["p", "rooms/1", 1]);
      expect(await nextPresence(witness)).toEqual({ count: 0, from: 0, all: [] });
      const client = await live.join("ada");
      expect(await nextPresence(witness)).toEqual({ count: 1, set: [ada] });
      end(client);
      if (stays) {
        if (client.socket.readyState !== WebSocket.OPEN) await client.closed;
        await live.join("bob");
        expect(await nextPresence(witness)).toEqual({ count: 2, set: [bob] });
      } else expect(await nextPresence(witness)).toEqual({ count: 0, gone: ["ada"] });
      client.socket.terminate();
    });

    it("is left after the grace by whom was cut, and not by whom came back", async () => {
      await using live = await servePresence(adapter, { graceMs: 400 });
      await using witness = await live.join("");
      const [first, gone] = [await live.join("ada"), await live.join("bob")];
      await expect.poll(() => live.room.count).toBe(2);
      witness.say(["p", "rooms/1", 1]);
      expect((await nextPresence(witness)).count).toBe(2);
      await Promise.all([first.cut(), gone.cut()]);
      await using _back = await live.join("ada");
      expect(await nextPresence(witness)).toEqual({ count: 1, gone: ["bob"] });
      await new Promise((resolve) => setTimeout(resolve, 800));
      await staysSilent(witness);
    });

    it("is nobody whom `presence` or `subscribe` refuses, or of whom it fails or gives what is none", async () => {
      const given: Record<string, () => unknown> = {
        ada: () => ({ key: "ada", data: { name: "ada" } }),
        thrown: () => {
          throw new Error("the user's own");
        },
        rejected: () => Promise.reject(new Error("the user's second")),
        unfit: () => ({ key: "unfit", data: { name: 1 } }),
        keyless: () => ({ key: 7, data: { name: "x" } }),
        large: () => ({ key: "large", data: { name: "x".repeat(2_000) } }),
        none: () => undefined,
      };
      await using live = await servePresence(adapter, {
        subscribe: (peer) => peer.context.user !== "banned",
        presence: (peer) => given[peer.context.user]?.() as never,
      });
      const state = async (user: string) => {
        const client = await live.join(user, []);
        client.say(["s", "rooms/1"]);
        return (await client.next("s"))[2];
      };
      expect(await state("ada")).toBe("live");
      expect(await state("none")).toBe("live");
      for (const user of ["thrown", "rejected", "unfit", "keyless", "large", "banned"])
        expect([user, await state(user)]).toEqual([user, "refused"]);
      expect([...live.room.members.keys()]).toEqual(["ada"]);
      expect(live.app.logged).toMatchObject([
        { message: "the user's own" },
        { message: "the user's second" },
        {
          message: expect.stringContaining(
            'the data of a member of "rooms/:room" does not fit the contract: name',
          ),
        },
        { message: expect.stringContaining("the key of a member is a string") },
        { message: expect.stringContaining("bytes as JSON, and may have 1024") },
      ]);
    });

    it("is not one who left while it was asked who it is", async () => {
      const asked = new Deferred<void>();
      const answer = new Deferred<{ key: string; data: { name: string } }>();
      await using live = await servePresence(adapter, {
        presence: (peer) => {
          if (peer.context.user !== "late") return undefined;
          asked.resolve();
          return answer.promise;
        },
      });
      await using client = await live.join("late", []);
      client.say(["s", "rooms/1"]);
      client.say(["p", "rooms/1", 1]);
      await asked.promise;
      client.say(["u", "rooms/1"]);
      await staysSilent(client);
      answer.resolve({ key: "late", data: { name: "late" } });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(live.room.count).toBe(0);
      await staysSilent(client);
    });

    it("is another one, or nobody, when the subscription is asked for anew", async () => {
      let name: string | undefined = "ada";
      await using live = await servePresence(adapter, {
        presence: () => (name === undefined ? undefined : { key: name, data: { name } }),
      });
      await using client = await live.join("x");
      await expect.poll(() => [...live.room.members.keys()]).toEqual(["ada"]);
      for (const next of ["bob", undefined]) {
        name = next;
        client.say(["s", "rooms/1"]);
        await expect.poll(() => [...live.room.members.keys()]).toEqual(next ? [next] : []);
      }
    });

    it("is updated by the service, with what the contract allows", async () => {
      await using live = await servePresence(adapter);
      await using client = await live.join("ada");
      client.say(["p", "rooms/1", 1]);
      await nextPresence(client);
      await expect.poll(() => live.room.count).toBe(1);
      const peer = live.peers.get("ada") as Peer;
      expect(live.room.update(peer, { name: "Ada" })).toBe(true);
      for (;;) {
        const { set } = await nextPresence(client);
        if (set?.[0]?.[0] === "ada" && Object(set[0][1]).name === "Ada") break;
      }
      expect(live.room.members.get("ada")).toEqual({ name: "Ada" });
      expect(() => live.room.update(peer, { name: 1 as never })).toThrow(/does not fit the contract/);
      expect(live.service.presence("rooms/:room", { room: "2" }).update(peer, { name: "Ada" })).toBe(false);
      // @ts-expect-error the topic has no members
      expect(() => live.service.presence("plain", {})).toThrow(/"plain" has no members; write "presence"/);
      // @ts-expect-error there is no such topic
      expect(() => live.service.presence("none", {})).toThrow(/has no topic "none"/);
    });

    it("is a number where there are too many, and a list again when there are clearly fewer", async () => {
      await using live = await servePresence(adapter, {}, { maxMembers: 10 });
      await using witness = await live.join("");
      witness.say(["p", "rooms/1", 1]);
      expect((await nextPresence(witness)).all).toEqual([]);
      const members: WireClient[] = [];
      for (let n = 0; n < 12; n++) members.push(await live.join(`u${n}`));
      await expect.poll(() => live.room.count).toBe(12);
      for (;;) {
        const presence = await nextPresence(witness);
        expect(presence.set === undefined).toBe(presence.count > 10);
        if (presence.count === 12) break;
      }
      const left = [members.pop(), members.pop(), members.pop()];
      for (const member of left) member?.say(["u", "rooms/1"]);
      for (;;) {
        const { count, all } = await nextPresence(witness);
        if (count === 9) {
          expect(all?.map(([key]) => key).sort()).toEqual(Array.from({ length: 9 }, (_, n) => `u${n}`));
          break;
        }
        expect(all).toBeUndefined();
      }
    });
  });
}
