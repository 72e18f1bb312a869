import { defineContract } from "@spry-ws/contract";
import { z } from "zod";

export const frameworks = ["express", "fastify", "koa"] as const;
export type Framework = (typeof frameworks)[number];

const maxNameLength = 24;
const maxTextLength = 1_000;

/** What a page says of its reader when it connects: a name, and a key that it has made for itself, by which the reader is known again. */
export const Key = z.string().regex(/^[\w-]{16,64}$/);
export const Name = z.string().trim().min(1).max(maxNameLength);

/** A line of the room. Its page has made the id. `at` is in milliseconds since 1970. */
const Line = z.object({
  id: z.string(),
  name: z.string(),
  framework: z.enum(frameworks),
  text: z.string(),
  at: z.number(),
});

/** Who is here, and through which process. */
const Member = z.object({ name: z.string(), framework: z.enum(frameworks) });

/** One of the three processes. Without a pid it is being started. */
const Process = z.object({ framework: z.enum(frameworks), port: z.number(), pid: z.number().optional() });
export type Process = z.infer<typeof Process>;

/** Who answers, and what else runs. */
const Here = z.object({
  framework: z.enum(frameworks),
  pid: z.number(),
  at: z.number(),
  processes: z.array(Process),
});

/**
 * What a page and a process say to each other. The lines are in a durable topic: a page gets what it has missed from whichever process it
 * comes back to, and `say` may be sent again to another one, as the log has once what comes under the same id.
 */
export const chat = defineContract({
  requests: {
    where: { output: Here, repeatable: true },
    say: {
      input: z.object({
        id: z.string().regex(/^[\w-]{1,64}$/),
        text: z.string().trim().min(1).max(maxTextLength, `A line has at most ${maxTextLength} characters.`),
      }),
      output: z.object({ position: z.string() }),
      repeatable: true,
    },
  },
  events: { kill: z.object({ framework: z.enum(frameworks) }) },
  // The lines are in the store; who is here is known through the backplane.
  topics: { lines: { message: Line, history: true, presence: Member } },
});
