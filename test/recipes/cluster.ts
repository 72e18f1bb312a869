import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { root } from "../../docs/snippets/documents.mjs";

interface Processes extends AsyncDisposable {
  /** The next line that one of them prints and that is like this. */
  line(pattern: RegExp): Promise<string>;
}

/** Processes run what is built: Node 20 runs no TypeScript. */
export const buildPackages = (): void =>
  void execFileSync("npx", ["tsc", "-b", "packages/express"], { cwd: root });

/** A block for the processes of `node:cluster`, as a program. */
export async function startCluster(code: string, replace: Record<string, string>): Promise<Processes> {
  const directory = `${root}docs/.cache/recipes`;
  mkdirSync(directory, { recursive: true });
  const file = `${directory}/cluster.${process.pid}.mjs`;
  let text = `const chat = {
    open(peer) { peer.subscribe("chat"); peer.send(String(process.pid)); },
    message(peer, message) { peer.publish("chat", message); },
  };\n${code}`;
  for (const [here, there] of Object.entries(replace)) {
    if (!text.includes(here)) throw new Error(`the block has no "${here}"`);
    text = text.replaceAll(here, there);
  }
  writeFileSync(file, text);
  const primary = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface(primary.stdout)[Symbol.asyncIterator]();
  return {
    async line(pattern: RegExp): Promise<string> {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error("the processes have ended");
        if (pattern.test(value)) return value;
      }
    },
    async [Symbol.asyncDispose]() {
      const ended = once(primary, "exit");
      primary.kill("SIGKILL");
      await ended;
      rmSync(file);
    },
  };
}
