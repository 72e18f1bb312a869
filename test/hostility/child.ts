import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Commands, Fault, Request } from "./commands.ts";

/** What `tsc -b test/hostility` has made of the children's sources. */
const built = new URL("../.cache/hostility/hostility/", import.meta.url);

/** So long only a child is silent whose event loop has stopped. */
const answerTimeoutMs = 20_000;

/**
 * A program of this folder in a process of its own, so that its life, memory and speed are seen from outside. It runs as
 * JavaScript in plain Node, against the built packages: neither vitest nor a loader adds to what is measured.
 */
export class Child<C extends Commands> implements AsyncDisposable {
  readonly #name: string;
  readonly #faults: string[];
  readonly #process: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 1;
  #isStopping = false;

  private constructor(name: string, faults: string[], args: readonly string[]) {
    this.#name = name;
    this.#faults = faults;
    const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
    this.#process = fork(fileURLToPath(new URL(`${name}.js`, built)), args, {
      // Warnings come as faults, and are not printed as well.
      execArgv: ["--expose-gc", "--no-warnings"],
      env: { ...env, NODE_ENV: "production" },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text) => faults.push(`${name} printed: ${text}`));
    this.#process.on("message", (message: Answer | Fault) => {
      if ("fault" in message) faults.push(`${name}: ${message.fault}`);
      else this.#waiting.get(message.id)?.(message);
    });
    this.#exited = once(this.#process, "exit").then(([code, signal]) => {
      if (!this.#isStopping) faults.push(`${name} ended with ${code ?? signal}`);
      for (const settle of this.#waiting.values()) settle({ id: 0, failure: `${name} has ended` });
      return code as number | null;
    });
  }

  /** @param faults gets what must not happen: uncaught errors, warnings, anything printed to stderr, an early end */
  static async start<C extends Commands>(
    name: string,
    faults: string[],
    ...args: string[]
  ): Promise<Child<C>> {
    const child = new Child<C>(name, faults, args);
    await child.#answer(0);
    return child;
  }

  /** Rejects if the child fails to answer, does not in time, or has ended. */
  ask<K extends keyof C & string>(command: K): Promise<Awaited<ReturnType<C[K]>>> {
    const id = this.#nextId++;
    const answer = this.#answer(id);
    this.#process.send({ id, command } satisfies Request, (error) => {
      if (error) this.#waiting.get(id)?.({ id, failure: `${this.#name} has ended` });
    });
    return answer as Promise<Awaited<ReturnType<C[K]>>>;
  }

  /** Asks the child to end its work; it has to exit by itself then, with code 0. Kills it if it does not. */
  async stop(command: keyof C & string, timeoutMs: number): Promise<void> {
    await this.ask(command);
    this.#isStopping = true;
    this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), timeoutMs);
    const code = await this.#exited;
    clearTimeout(timer);
    if (code !== 0)
      this.#faults.push(
        `${this.#name} did not exit by itself within ${timeoutMs} ms of its end: code ${code}`,
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  async #answer(id: number): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve) => {
      const failure = `${this.#name} did not answer within ${answerTimeoutMs} ms`;
      const timer = setTimeout(resolve, answerTimeoutMs, { id, failure });
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
    this.#waiting.delete(id);
    if (answer.failure !== undefined) throw new Error(answer.failure);
    return answer.report;
  }
}
