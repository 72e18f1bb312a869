/** What the parent asks a child process; it answers with a report of the same id. */
export interface Request {
  readonly id: number;
  readonly command: string;
}

export interface Answer {
  readonly id: number;
  readonly report?: unknown;
  readonly failure?: string;
}

/** Something that must not happen in a child, told unasked and at once. */
export interface Fault {
  readonly fault: string;
}

export type Commands = Readonly<Record<string, () => unknown>>;

/** Tells the parent of what ends a process, or would in another configuration of Node, and of every warning. */
export function reportFaults(): void {
  process.on("uncaughtException", (error, origin) => fault(`${origin}: ${error?.stack ?? error}`));
  process.on("warning", (warning) => fault(`warning: ${warning.stack}`));
}

export function fault(text: string): void {
  process.send?.({ fault: text } satisfies Fault);
}

/** Answers the parent's requests until it disconnects. */
export function answerCommands(commands: Commands): void {
  const answer = async ({ id, command }: Request): Promise<Answer> => {
    try {
      return { id, report: await commands[command]?.() };
    } catch (error) {
      return { id, failure: String(error) };
    }
  };
  process.on("message", async (request: Request) => process.send?.(await answer(request)));
  process.send?.({ id: 0 } satisfies Answer);
}
