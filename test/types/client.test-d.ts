import type { Client, Presence, PresenceState, TopicHandle, TopicItem } from "@spry-ws/client";
import { usePresence, useTopic } from "@spry-ws/client/react";
import { usePresence as usePresenceOfVue, useTopic as useTopicOfVue } from "@spry-ws/client/vue";
import { defineContract } from "@spry-ws/contract";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";

const chat = defineContract({
  topics: {
    news: { message: z.string() },
    log: { message: z.string(), history: true },
    "docs/:id": { message: z.string(), history: true, snapshot: z.object({ text: z.string() }) },
    "rooms/:room": { message: z.string(), presence: z.object({ name: z.string() }) },
  },
});
declare const client: Client<typeof chat>;

describe("a topic", () => {
  it("has positions where it is durable, and snapshots where it has one", () => {
    expectTypeOf(client.topic("news")).toEqualTypeOf<TopicHandle<TopicItem<string>>>();
    expectTypeOf(client.topic("log")).toEqualTypeOf<TopicHandle<TopicItem<string, never, string>>>();
    expectTypeOf(client.topic("docs/:id", { id: "1" })).toEqualTypeOf<
      TopicHandle<TopicItem<string, { text: string }, string>>
    >();
    expectTypeOf<TopicItem<string>["type"]>().toEqualTypeOf<"message" | "gap">();
    expectTypeOf<TopicItem<string>["position"]>().toEqualTypeOf<undefined>();
  });

  it("can begin in the past only where it is durable", () => {
    client.topic("log", {}, { from: "start" });
    client.topic("docs/:id", { id: "1" }, { from: { last: 50 } });
    client.topic("log", {}, { from: "a position" });
    // @ts-expect-error it has no log
    client.topic("news", {}, { from: "start" });
    // @ts-expect-error nowhere to begin
    client.topic("log", {}, { from: 50 });
  });

  it("is the same for React and Vue", () => {
    useTopic(
      client,
      "docs/:id",
      { id: "1" },
      (item) => {
        if (item.type === "snapshot") expectTypeOf(item.data).toEqualTypeOf<{ text: string }>();
      },
      { from: { last: 50 } },
    );
    useTopicOfVue(client, "log", {}, (item) => expectTypeOf(item.position).toEqualTypeOf<string>(), {
      from: () => "start",
    });
    // @ts-expect-error it has no log
    useTopic(client, "news", {}, () => {}, { from: "start" });
    // @ts-expect-error it has no log
    useTopicOfVue(client, "news", {}, () => {}, { from: "start" });
  });
});

describe("who is there", () => {
  type Data = { name: string };

  it("is of the contract's type, and only where the contract has it", () => {
    expectTypeOf(client.topic("rooms/:room", { room: "1" }).presence).toEqualTypeOf<Presence<Data>>();
    // @ts-expect-error the topic has no members
    client.topic("news").presence;
  });

  it("is the same for React and Vue", () => {
    expectTypeOf(usePresence(client, "rooms/:room", { room: "1" })).toEqualTypeOf<PresenceState<Data>>();
    expectTypeOf(usePresenceOfVue(client, "rooms/:room", () => ({ room: "1" })).value).toEqualTypeOf<
      PresenceState<Data>
    >();
    // @ts-expect-error the topic has no members
    usePresence(client, "news", {});
    // @ts-expect-error a parameter is missing
    usePresenceOfVue(client, "rooms/:room", {});
  });
});
