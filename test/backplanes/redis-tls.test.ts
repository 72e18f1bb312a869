import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { missingRedis, startRedisTls, tlsArguments } from "../fixtures/brokers.ts";
import { certificate, otherCertificate } from "../fixtures/certificate.ts";
import { Queue } from "../fixtures/queue.ts";
import { redisLibraries } from "./redis-clients.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = fileURLToPath(new URL("redis-tls-app.mjs", import.meta.url));

/** A process with a backplane; its messages say what happens to that. */
class App implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown[]>;
  readonly messages: Queue<string> = new Queue();

  constructor(library: string, url: string) {
    this.process = fork(program, [library, url, certificate.cert], { execArgv: [] });
    this.process.on("message", (message) => this.messages.push(String(message)));
    this.exited = once(this.process, "exit");
    void this.exited.then(([code]) => this.messages.push(`ended with ${code}`));
  }

  /** The next message that is like this; the process must not end before it. */
  async until(text: RegExp): Promise<void> {
    for (;;) {
      const message = await this.messages.next();
      if (text.test(message)) return;
      if (message.startsWith("ended")) throw new Error(message);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill();
    await this.exited;
  }
}

describe.skipIf(missingRedis()).each(redisLibraries)(
  "Redis over TLS with $name",
  { timeout: 60_000 },
  ({ name }) => {
    // The processes run what is built: Node 20 runs no TypeScript.
    beforeAll(() => {
      execFileSync("npx", ["tsc", "-b", "packages/redis"], { cwd: root });
    }, 60_000);

    it("does not end a process that does not trust the certificate", async () => {
      await using server = await startRedisTls(...tlsArguments(otherCertificate));
      await using app = new App(name, server.url);
      await app.until(/cannot be reached: self-signed certificate/);
      app.process.send("ready");
      await app.until(/is not ready: .*self-signed certificate/);
      await server.kill();
      await server.start(...tlsArguments(certificate));
      app.process.send("ready");
      await app.until(/^is ready$/);
      app.process.send("end");
      expect(await app.exited).toEqual([0, null]);
    });

    it("does not end a running process when Redis comes back with another certificate", async () => {
      await using server = await startRedisTls(...tlsArguments(certificate));
      await using app = new App(name, server.url);
      app.process.send("ready");
      await app.until(/^is ready$/);
      await server.kill();
      await app.until(/is not connected/);
      await server.start(...tlsArguments(otherCertificate));
      app.process.send("ready");
      await app.until(/is not ready: .*self-signed certificate/);
      await server.kill();
      await server.start(...tlsArguments(certificate));
      await app.until(/is back/);
      app.process.send("end");
      expect(await app.exited).toEqual([0, null]);
    });
  },
);
