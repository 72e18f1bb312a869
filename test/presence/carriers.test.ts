import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { missingNats, missingRedis, startNats, startRedis } from "../fixtures/brokers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = fileURLToPath(new URL("carriers-app.mjs", import.meta.url));

/** Longer than the silence after which a process of the program has gone: 2 seconds. */
const longSilenceMs = 3_000;

interface Said {
  readonly name: string;
  readonly pid?: number;
  readonly heard?: string;
  readonly error?: string;
}

/** The processes of the program. */
class Processes implements AsyncDisposable {
  /** What each has said, in order. */
  readonly heard = new Map<string, string[]>();
  readonly #pids = new Map<string, number>();
  readonly #primary;

  constructor(kind: string, url: string) {
    this.#primary = fork(program, [kind, url], { execArgv: [] });
    this.#primary.on("message", ({ name, pid, heard, error }: Said) => {
      if (pid) this.#pids.set(name, pid);
      if (heard ?? error) this.of(name).push(heard ?? `error: ${error}`);
    });
  }

  of(name: string): string[] {
    const heard = this.heard.get(name) ?? [];
    this.heard.set(name, heard);
    return heard;
  }

  /** Starts one. */
  async start(name: string): Promise<void> {
    this.tell(name, { start: true });
    await this.#untilSaid(name, "up", 30_000);
  }

  /** Lets one look who is present, and waits until it knows. */
  async begin(name: string): Promise<void> {
    this.tell(name, { begin: true });
    await this.#untilSaid(name, "ready", 5_000);
  }

  tell(name: string, command: object): void {
    this.#primary.send({ name, ...command });
  }

  signal(name: string, signal: NodeJS.Signals): void {
    process.kill(this.#pids.get(name) as number, signal);
  }

  /** Waits until all of these have said this since they are ready, in whatever order, and nothing else. */
  async haveHeard(names: readonly string[], texts: readonly string[]): Promise<void> {
    for (const name of names)
      await vi.waitFor(
        () =>
          expect(
            this.of(name)
              .filter((text) => /^[-+~e]/.test(text))
              .sort(),
            name,
          ).toEqual([...texts].sort()),
        { timeout: 8_000, interval: 20 },
      );
  }

  async #untilSaid(name: string, text: string, timeout: number): Promise<void> {
    await vi.waitFor(() => expect(this.of(name).some((said) => said.startsWith(text))).toBe(true), {
      timeout,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#primary, "exit");
    for (const pid of this.#pids.values()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {}
    }
    this.#primary.kill("SIGKILL");
    await ended;
  }
}

const none = async () => ({ url: "", async [Symbol.asyncDispose]() {} });

const carriers = [
  { name: "node:cluster", missing: false, start: none },
  { name: "Redis", missing: missingRedis(), start: startRedis },
  { name: "NATS", missing: missingNats(), start: startNats },
] as const;

for (const { name, missing, start } of carriers)
  describe.skipIf(missing)(`presence over ${name}`, { timeout: 60_000 }, () => {
    // The processes run what is built: Node 20 runs no TypeScript.
    beforeAll(() => {
      execFileSync("npx", ["tsc", "-b", "packages/service", "packages/redis", "packages/nats"], {
        cwd: root,
      });
    }, 120_000);

    it("tells all processes who joins and leaves, once, also of those who move, are killed, or end", async () => {
      await using broker = await start();
      await using processes = new Processes(name, broker.url);
      const heard: string[] = [];
      await Promise.all(["a", "b", "c", "d"].map((name) => processes.start(name)));
      await Promise.all(["a", "b", "c"].map((name) => processes.begin(name)));
      processes.tell("a", { join: "ada" });
      processes.tell("b", { join: "bob" });
      heard.push("+ada", "+bob");
      await processes.haveHeard(["a", "b", "c"], heard);

      // Comes back to another process within the grace.
      processes.tell("a", { leave: "ada", isGone: true });
      await sleep(500);
      processes.tell("c", { join: "ada" });
      await sleep(4_000);
      await processes.haveHeard(["a", "b", "c"], heard);

      processes.signal("b", "SIGKILL");
      heard.push("-bob");
      await processes.haveHeard(["a", "c"], heard);

      // A deploy: the process that ends hands on its members, and one that starts later knows them.
      processes.tell("c", { end: true });
      await processes.begin("d");
      expect(processes.of("d")).toEqual(["up", "+ada", "ready with 1"]);
      processes.tell("d", { join: "ada" });
      await sleep(4_000);
      await processes.haveHeard(["a"], heard);
      await processes.haveHeard(["d"], ["+ada"]);
    });

    it("takes a process that is paused for gone, and has it back, with all it knows", async () => {
      await using broker = await start();
      await using processes = new Processes(name, broker.url);
      await Promise.all(["a", "b"].map((name) => processes.start(name)));
      await Promise.all(["a", "b"].map((name) => processes.begin(name)));
      processes.tell("a", { join: "ada" });
      processes.tell("b", { join: "bob" });
      await processes.haveHeard(["a", "b"], ["+ada", "+bob"]);
      processes.signal("a", "SIGSTOP");
      await processes.haveHeard(["b"], ["+ada", "+bob", "-ada"]);
      processes.tell("b", { join: "eve" });
      processes.tell("b", { leave: "bob", isGone: false });
      await sleep(longSilenceMs);
      processes.signal("a", "SIGCONT");
      await processes.haveHeard(["b"], ["+ada", "+ada", "+bob", "+eve", "-ada", "-bob"]);
      await processes.haveHeard(["a"], ["+ada", "+bob", "+eve", "-bob"]);
    });
  });
