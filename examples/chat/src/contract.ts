import { defineContract } from "@spry-ws/contract";
import { z } from "zod";

export const frameworks = ["express", "fastify", "koa"] as const;
export type Framework = (typeof frameworks)[number];

export const maxNameLength = 24;
const maxTextLength = 1_000;

/** Someone in the room. The id is that of the browser: two people may choose the same name, and a page may be reloaded. */
const Person = z.object({ id: z.string(), name: z.string(), framework: z.enum(frameworks) });
export type Person = z.infer<typeof Person>;

/** Something that was said. Its page has made the id, unique among what that person says. `at` is in milliseconds since 1970. */
const Remark = z.object({ id: z.string(), person: Person, text: z.string(), at: z.number() });
export type Remark = z.infer<typeof Remark>;

/** Where a framework's page is: the same host, another port. */
const Place = z.object({ framework: z.enum(frameworks), port: z.number() });
export type Place = z.infer<typeof Place>;

/** What someone finds who comes in. */
const Welcome = z.object({
  you: Person,
  people: z.array(Person),
  history: z.array(Remark),
  /** Whether more was said than is in `history`. */
  hasOlder: z.boolean(),
  places: z.array(Place),
});
export type Welcome = z.infer<typeof Welcome>;

/** What everyone in the room is told. */
const News = z.discriminatedUnion("type", [
  z.object({ type: z.literal("joined"), person: Person }),
  z.object({ type: z.literal("left"), person: Person }),
  z.object({ type: z.literal("said"), remark: Remark }),
  z.object({ type: z.literal("typing"), person: Person }),
]);
export type News = z.infer<typeof News>;

/**
 * What a page and the room say to each other. `say` is repeatable, as the room says once what comes under the same id: a page may send it
 * again wherever it has had no answer, to a server that was started anew too.
 */
export const chat = defineContract({
  requests: {
    enter: { input: z.object({ isBack: z.boolean() }), output: Welcome, repeatable: true },
    say: {
      input: z.object({
        id: z.string().regex(/^[\w-]{1,64}$/, "An id has 1 to 64 letters, digits, - or _."),
        text: z
          .string()
          .trim()
          .min(1, "There is no text.")
          .max(maxTextLength, `The text is longer than ${maxTextLength} characters.`),
      }),
      output: Remark,
      repeatable: true,
    },
  },
  events: { typing: z.object({}) },
  topics: { room: { message: News } },
});
