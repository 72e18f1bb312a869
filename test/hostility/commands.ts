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

/**
 * Express and Koa read the targets of plain requests with `url.parse`, which warns of `http://a:b/`. A handshake with such a
 * target is refused before it gets there.
 */
const warningsOfOthers = new Set(["DEP0170"]);

/** Tells the parent of what ends a process, or would in another configuration of Node, and of every warning. */
export function reportFaults(): void {
  process.on("uncaughtException", (error, origin) => fault(`${origin}: ${error?.stack ?? error}`));
  process.on("warning", (warning: Error & { code?: string }) => {
    if (!warningsOfOthers.has(warning.code ?? "")) fault(`warning: ${warning.stack}`);
  });
}

export function fault(text: string): void {
  tell({ fault: text });
}

/** Nobody hears it when the parent has gone; to send it then would be a fault, which would be told, and so on. */
function tell(message: Answer | Fault): void {
  if (process.connected) process.send?.(message);
}

/**
 * Answers the parent's requests until it disconnects. After `stop` the process has to end by itself; if the parent goes away
 * before that, nothing is left to do.
 */
export function answerCommands(commands: Commands): void {
  let isStopping = false;
  const answer = async ({ id, command }: Request): Promise<Answer> => {
    isStopping ||= command === "stop";
    try {
      return { id, report: await commands[command]?.() };
    } catch (error) {
      return { id, failure: String(error) };
    }
  };
  process.on("message", async (request: Request) => tell(await answer(request)));
  process.on("disconnect", () => isStopping || process.exit(1));
  tell({ id: 0 });
}
