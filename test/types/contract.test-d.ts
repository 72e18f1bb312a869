import {
  type DurablePattern,
  defineContract,
  type PresenceData,
  type PresencePattern,
  type RequestArgument,
  type RequestInput,
  type RequestName,
  type RequestOutput,
  type Schema,
  type StreamChunk,
  type StreamName,
  type TopicMessage,
  type TopicParams,
  type TopicSnapshot,
} from "@spry-ws/contract";
import { type } from "arktype";
import Type, { type Static, type TSchema } from "typebox";
import * as v from "valibot";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";

const chat = defineContract({
  requests: {
    say: { input: z.object({ room: z.string(), loud: z.boolean().default(false) }), output: v.number() },
    words: { input: type({ room: "string" }), stream: z.string() },
    ping: {},
  },
  events: { typing: v.object({ room: v.string() }) },
  topics: {
    "rooms/:room/:kind": { message: z.object({ text: z.string() }) },
    news: { message: v.string() },
    "docs/:id": { message: v.string(), history: true, snapshot: v.object({ text: v.string() }) },
    log: { message: v.string(), history: true },
    "zod/:id": {
      message: v.string(),
      presence: z.object({ name: z.string(), away: z.boolean().default(false) }),
    },
    valibot: { message: v.string(), presence: v.object({ name: v.string() }) },
    arktype: { message: v.string(), history: true, presence: type({ name: "string" }) },
    typebox: { message: v.string(), presence: ofTypebox(Type.Object({ name: Type.String() })) },
  },
});
type Chat = typeof chat;

/** Types alone are checked here. */
declare function ofTypebox<T extends TSchema>(schema: T): Schema<Static<T>>;

describe("a contract", () => {
  it("tells requests from streams by their definition", () => {
    expectTypeOf<RequestName<Chat>>().toEqualTypeOf<"say" | "ping">();
    expectTypeOf<StreamName<Chat>>().toEqualTypeOf<"words">();
  });

  it("gives the caller the input of a schema and the handler its output", () => {
    expectTypeOf<RequestInput<Chat, "say">>().toEqualTypeOf<{ room: string; loud?: boolean | undefined }>();
    expectTypeOf<RequestArgument<Chat, "say">>().toEqualTypeOf<{ room: string; loud: boolean }>();
    expectTypeOf<RequestOutput<Chat, "say">>().toEqualTypeOf<number>();
    expectTypeOf<RequestInput<Chat, "ping">>().toEqualTypeOf<undefined>();
    expectTypeOf<RequestOutput<Chat, "ping">>().toEqualTypeOf<undefined>();
    expectTypeOf<StreamChunk<Chat, "words">>().toEqualTypeOf<string>();
  });

  it("types the parameters and messages of topics", () => {
    expectTypeOf<TopicParams<"rooms/:room/:kind">>().toEqualTypeOf<{
      readonly room: string;
      readonly kind: string;
    }>();
    expectTypeOf<keyof TopicParams<"news">>().toEqualTypeOf<never>();
    expectTypeOf<TopicMessage<Chat, "news">>().toEqualTypeOf<string>();
    expectTypeOf<TopicMessage<Chat, "rooms/:room/:kind">>().toEqualTypeOf<{ text: string }>();
  });

  it("tells durable topics from others, and types their snapshots", () => {
    expectTypeOf<DurablePattern<Chat>>().toEqualTypeOf<"docs/:id" | "log" | "arktype">();
    expectTypeOf<TopicSnapshot<Chat, "docs/:id">>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<TopicSnapshot<Chat, "log">>().toEqualTypeOf<undefined>();
  });

  it("types what members of a topic say of themselves, as they say it", () => {
    expectTypeOf<PresencePattern<Chat>>().toEqualTypeOf<"zod/:id" | "valibot" | "arktype" | "typebox">();
    expectTypeOf<PresenceData<Chat, "zod/:id">>().toEqualTypeOf<{
      name: string;
      away?: boolean | undefined;
    }>();
    expectTypeOf<PresenceData<Chat, "valibot">>().toEqualTypeOf<{ name: string }>();
    expectTypeOf<PresenceData<Chat, "arktype">>().toEqualTypeOf<{ name: string }>();
    expectTypeOf<PresenceData<Chat, "typebox">>().toEqualTypeOf<{ name: string }>();
    expectTypeOf<PresenceData<Chat, "log">>().toEqualTypeOf<undefined>();
  });

  it("wants schemas", () => {
    // @ts-expect-error String is no schema
    defineContract({ requests: { say: { input: String } } });
    // @ts-expect-error true is no schema
    defineContract({ topics: { news: { message: v.string(), presence: true } } });
    // @ts-expect-error a topic has a message
    defineContract({ topics: { news: v.string() } });
  });
});
