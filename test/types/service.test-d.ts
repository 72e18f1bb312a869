import { type Client, connect } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import type { Peer, SpryWs } from "@spry-ws/core";
import { createService, createTopicPublisher, memoryHistory, type Published } from "@spry-ws/service";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";

const chat = defineContract({
  requests: {
    say: { input: z.object({ room: z.string(), loud: z.boolean().default(false) }), output: z.number() },
    words: { input: z.object({ room: z.string() }), stream: z.string() },
    ping: {},
  },
  events: { typing: z.object({ room: z.string() }) },
  topics: { "rooms/:room": { message: z.object({ text: z.string() }) }, news: { message: z.string() } },
});
declare const spry: SpryWs;
declare function findUser(): Promise<{ id: string } | undefined>;

describe("a service", () => {
  it("gives handlers the context of `upgrade`, their input, and the parameters of topics", () => {
    const live = createService(spry, chat, {
      async upgrade(event) {
        event.get("session");
        const user = await findUser();
        return user ? { context: { user } } : new Response("Log in first", { status: 401 });
      },
      requests: {
        say(peer, input, { signal, id }) {
          expectTypeOf(peer.context).toEqualTypeOf<{ user: { id: string } }>();
          expectTypeOf(input).toEqualTypeOf<{ room: string; loud: boolean }>();
          expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
          expectTypeOf(id).toEqualTypeOf<string>();
          return 1;
        },
        async *words(peer, { room }) {
          yield peer.context.user.id + room;
        },
        async ping() {},
      },
      events: {
        typing: (peer, input) => expectTypeOf(input).toEqualTypeOf<{ room: string }>() && peer.context.user,
      },
      topics: {
        "rooms/:room": {
          subscribe: (peer, params) => {
            expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
            return peer.context.user.id === params.room;
          },
        },
        news: { subscribe: true },
      },
    });
    live.publish("rooms/:room", { room: "42" }, { text: "hello" });
    // @ts-expect-error the parameter is missing
    live.publish("rooms/:room", {}, { text: "hello" });
    // @ts-expect-error no such message
    live.publish("news", {}, { text: "hello" });
    // @ts-expect-error no such topic
    live.publish("old", {}, "hello");
  });

  it("wants a handler for all that the contract names, and no other", () => {
    const one = defineContract({ requests: { say: { input: z.string(), output: z.number() } } });
    createService(spry, one, { requests: { say: (_peer, text) => text.length } });
    // @ts-expect-error no requests
    createService(spry, one, {});
    // @ts-expect-error the answer is a number
    createService(spry, one, { requests: { say: () => "1" } });
    // @ts-expect-error no such request
    createService(spry, one, { requests: { say: () => 1, shout: () => 2 } });
    createService(spry, defineContract({}), {});
  });
});

describe("a durable topic", () => {
  const docs = defineContract({
    topics: {
      "docs/:id": { message: z.string(), history: true, snapshot: z.object({ text: z.string() }) },
      log: { message: z.string(), history: true },
      plain: { message: z.string() },
    },
  });

  it("has a publish that promises the position, and options", () => {
    const publisher = createTopicPublisher(spry, docs, {
      history: memoryHistory(),
      topics: { log: { history: { maxMessages: 10 } } },
    });
    expectTypeOf(publisher.publish("log", {}, "x", { id: "1" })).toEqualTypeOf<Promise<Published>>();
    expectTypeOf(publisher.publish("plain", {}, "x")).toEqualTypeOf<void>();
    // @ts-expect-error a plain topic has no options
    publisher.publish("plain", {}, "x", { id: "1" });
    // @ts-expect-error and keeps no history
    createTopicPublisher(spry, docs, { history: memoryHistory(), topics: { plain: { history: {} } } });
  });

  it("needs a function for the snapshot that the contract has, and takes none otherwise", () => {
    const [log, plain] = [{ subscribe: true, history: { maxAgeMs: 1_000 } }, { subscribe: true }] as const;
    createService(spry, docs, {
      topics: {
        "docs/:id": {
          subscribe: true,
          snapshot: async (_peer, { id }) => {
            expectTypeOf(id).toEqualTypeOf<string>();
            return { text: id };
          },
        },
        log,
        plain,
      },
    });
    // @ts-expect-error the snapshot is missing
    createService(spry, docs, { topics: { "docs/:id": { subscribe: true }, log, plain } });
    const wrong = { subscribe: true, snapshot: () => ({ text: 1 }) } as const;
    // @ts-expect-error the text is a string
    createService(spry, docs, { topics: { "docs/:id": wrong, log, plain } });
  });
});

describe("who is there", () => {
  const rooms = defineContract({
    topics: {
      "rooms/:room": { message: z.string(), history: true, presence: z.object({ name: z.string() }) },
    },
  });

  it("is what a function gives for each peer, as the contract says", () => {
    const live = createService(spry, rooms, {
      upgrade: () => ({ context: { id: "1" } }),
      topics: {
        "rooms/:room": {
          subscribe: true,
          presence: async ({ context }, { room }) => {
            expectTypeOf(context).toEqualTypeOf<{ id: string }>();
            expectTypeOf(room).toEqualTypeOf<string>();
            return room === "hidden" ? undefined : { key: context.id, data: { name: context.id } };
          },
          graceMs: 0,
        },
      },
    });
    const room = live.presence("rooms/:room", { room: "1" });
    expectTypeOf(room.members).toEqualTypeOf<ReadonlyMap<string, { name: string }>>();
    room.listen(({ left: [member] }) => {
      expectTypeOf(member?.data).toEqualTypeOf<{ name: string } | undefined>();
    });
    // @ts-expect-error the name is a string
    room.update({} as Peer, { name: 1 });
    // @ts-expect-error the parameter is missing
    live.presence("rooms/:room", {});
    // @ts-expect-error the function is missing
    createService(spry, rooms, { topics: { "rooms/:room": { subscribe: true } } });
    const wrong = { subscribe: true, presence: () => ({ key: "1", data: { name: 1 } }) } as const;
    // @ts-expect-error the name is a string
    createService(spry, rooms, { topics: { "rooms/:room": wrong } });
  });
});

describe("a client", () => {
  it("knows the requests, streams, events and topics of its contract", () => {
    const client = connect<typeof chat>("ws://localhost");
    expectTypeOf(client).toEqualTypeOf<Client<typeof chat>>();
    expectTypeOf(client.request("say", { room: "42" })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(client.request("ping")).toEqualTypeOf<Promise<undefined>>();
    expectTypeOf(client.stream("words", { room: "42" })).toEqualTypeOf<
      AsyncIterableIterator<string, undefined>
    >();
    client.emit("typing", { room: "42" });
    client.topic("news");
    client.topic("rooms/:room", { room: "42" }).onItem((item) => {
      if (item.type === "message") expectTypeOf(item.data).toEqualTypeOf<{ text: string }>();
    });
    // @ts-expect-error the input is missing
    client.request("say");
    // @ts-expect-error it is a stream
    client.request("words", { room: "42" });
    // @ts-expect-error the parameter is missing
    client.topic("rooms/:room");
  });
});
