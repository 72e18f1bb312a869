import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, Server } from "node:net";
import { format } from "node:util";
import { root } from "../../docs/snippets/documents.mjs";
import type { Block } from "../../docs/snippets/markdown.mjs";

export interface RunOptions<Names extends object> {
  /** Values for names of the reader's own app, which the block does not declare, and in place of globals. */
  readonly give?: Readonly<Record<string, unknown>>;
  /** Which of its names the test needs. */
  readonly take?: readonly (keyof Names & string)[];
  /** What is at another place here: the address of a broker. Each has to be in the block. */
  readonly replace?: Readonly<Record<string, string>>;
}

/** A block that runs. */
export interface Running<Names> {
  readonly names: Names;
  /** What it has written to the console. */
  readonly printed: readonly string[];
  /** Where its first server listens: whatever port it asks for, it gets a free one. */
  readonly url: string;
  readonly port: number;
  /** Does what the process would on a signal, as far as the block listens for it. */
  signal(name: NodeJS.Signals): void;
  /** Closes its servers, and lets go of the console and of signals. The last one first, where several run. */
  stop(): Promise<void>;
}

const directory = `${root}docs/.cache/recipes`;
const signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"];
let runs = 0;

/** Runs blocks of a page as one module, in this process. Their place is in docs: so they find the packages that docs has. */
export async function run<Names extends object>(
  page: string,
  blocks: readonly Block[],
  { give = {}, take = [], replace = {} }: RunOptions<Names> = {},
): Promise<Running<Names>> {
  const id = `${page.replaceAll("/", ".")}.${blocks.at(-1)?.line}.${process.pid}.${++runs}`;
  const file = `${directory}/${id}.${blocks[0]?.language}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, moduleOf(blocks, id, Object.keys(give), take, replace));
  Reflect.set(globalThis, id, give);

  const servers: Server[] = [];
  const listening: Promise<unknown>[] = [];
  const printed: string[] = [];
  const restores = [
    replaceMethod(Server.prototype, "listen", (listen) => {
      return function (this: Server, ...args: unknown[]) {
        servers.push(this);
        listening.push(once(this, "listening").catch(() => {}));
        return Reflect.apply(listen, this, args.map(withFreePort));
      };
    }),
    ...(["log", "error"] as const).map((method) =>
      replaceMethod(
        console,
        method,
        () =>
          (...args: unknown[]) =>
            void printed.push(format(...args)),
      ),
    ),
  ];
  const before = new Map(signals.map((name) => [name, new Set(process.listeners(name))]));
  const added = (name: NodeJS.Signals) =>
    process.listeners(name).filter((listener) => !before.get(name)?.has(listener));

  const port = () => {
    const address = servers[0]?.address() as AddressInfo | undefined;
    if (!address) throw new Error("nothing listens");
    return address.port;
  };
  const stop = async () => {
    for (const name of signals) for (const listener of added(name)) process.off(name, listener);
    for (const restore of restores) restore();
    Reflect.deleteProperty(globalThis, id);
    await Promise.all(servers.filter((server) => server.listening).map(close));
  };
  try {
    const names = (await import(file)) as Names;
    await Promise.all(listening);
    return {
      names,
      printed,
      get url() {
        return `http://127.0.0.1:${port()}`;
      },
      get port() {
        return port();
      },
      signal(name) {
        for (const listener of added(name)) listener(name);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    rmSync(file);
  }
}

/** Each line of the code has the number that it has on the page. */
function moduleOf(
  blocks: readonly Block[],
  id: string,
  given: readonly string[],
  taken: readonly string[],
  replaced: Readonly<Record<string, string>>,
): string {
  const lines = [`const { ${given.join(", ")} } = globalThis[${JSON.stringify(id)}];`];
  for (const { line, code } of blocks) {
    while (lines.length < line - 1) lines.push("");
    lines.push(...code);
  }
  let text = lines.join("\n");
  for (const [here, there] of Object.entries(replaced)) {
    if (!text.includes(here)) throw new Error(`the block has no "${here}"`);
    text = text.replaceAll(here, there);
  }
  const exported = new Set(
    [...text.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map(([, name]) => name),
  );
  return `${text}\nexport { ${taken.filter((name) => !exported.has(name)).join(", ")} };\n`;
}

/** Returns how to put it back. */
function replaceMethod<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  make: (original: Owner[Name] & CallableFunction) => unknown,
): () => void {
  const original = owner[name] as Owner[Name] & CallableFunction;
  Reflect.set(owner, name, make(original));
  return () => void Reflect.set(owner, name, original);
}

/** `listen(3000)` and `listen({ port: 3000 })`, with any free port. */
function withFreePort(argument: unknown): unknown {
  if (typeof argument === "number") return 0;
  const isObject = typeof argument === "object" && argument !== null && "port" in argument;
  return isObject ? { ...argument, port: 0 } : argument;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  if ("closeAllConnections" in server && typeof server.closeAllConnections === "function") {
    server.closeAllConnections();
  }
  await closed;
}
