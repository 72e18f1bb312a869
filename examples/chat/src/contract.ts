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
  /** When they came in, by the clock that stamps what is said: what is older was said before. */
  at: z.number(),
  places: z.array(Place),
});

/**
 * What a page and the room say to each other. What is said is kept in the log of a durable topic: a page gets the last lines when it
 * comes, and after a reconnect what it has missed. `say` is repeatable, as the log has once what comes under the same id: a page may send
 * it again wherever it has had no answer.
 */
export const chat = defineContract({
  requests: {
    enter: { output: Welcome, repeatable: true },
    say: {
      input: z.object({
        id: z.string().regex(/^[\w-]{1,64}$/, "An id has 1 to 64 letters, digits, - or _."),
        text: z
          .string()
          .trim()
          .min(1, "There is no text.")
          .max(maxTextLength, `The text is longer than ${maxTextLength} characters.`),
      }),
      output: z.object({ position: z.string() }),
      repeatable: true,
    },
  },
  events: { typing: z.object({}) },
  topics: {
    // Who is typing, which nobody needs to know later, and who is here.
    room: { message: Person, presence: Person },
    lines: { message: Remark, history: true },
  },
});
