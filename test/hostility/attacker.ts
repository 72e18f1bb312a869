import { setTimeout as sleep } from "node:timers/promises";
import { RawClient } from "../fixtures/raw.ts";
import type { Attack, Step } from "./attack.ts";
import { settings } from "./settings.ts";

/** What became of an attack: undefined where all was as expected, else what the server did wrong. */
export type Verdict = string | undefined;

/** Carries attacks out, and keeps the connections that they leave open. */
export class Attacker implements Disposable {
  readonly #port: number;
  readonly #idle: RawClient[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** Never rejects. */
  async attack({ steps }: Attack): Promise<Verdict> {
    const client = await RawClient.connect(this.#port).catch(() => undefined);
    if (!client) return "the server took no connection";
    const timeout = new AbortController();
    const run = this.#run(client, steps).finally(() => timeout.abort());
    const late = sleep(settings.attackTimeoutMs, "late" as const, { signal: timeout.signal });
    const verdict = await Promise.race([run, late]).catch((error) => `unexpected ${error}`);
    if (verdict !== "late" && verdict !== undefined) client.socket.destroy();
    if (verdict !== "late") return verdict;
    client.socket.destroy();
    const awaited = steps.findLast((step) => step.do.startsWith("expect") || step.do === "open");
    return awaited && `the server did not do in ${settings.attackTimeoutMs} ms what was expected`;
  }

  /** Closes what attacks have left open. */
  [Symbol.dispose](): void {
    for (const client of this.#idle.splice(0)) client.socket.destroy();
  }

  async #run(client: RawClient, steps: readonly Step[]): Promise<Verdict> {
    for (const step of steps) {
      const verdict = await this.#step(client, step);
      if (verdict !== undefined) return verdict;
    }
    if (steps.at(-1)?.do !== "end") client.socket.destroy();
    return undefined;
  }

  async #step(client: RawClient, step: Step): Promise<Verdict> {
    switch (step.do) {
      case "send":
        client.socket.write(step.bytes);
        return undefined;
      case "drip":
        for (const byte of step.bytes) {
          if (client.socket.destroyed) break;
          client.socket.write(Buffer.from([byte]));
          await sleep(step.everyMs);
        }
        return undefined;
      case "wait":
        if (step.ms > 0) await sleep(step.ms);
        return undefined;
      case "open":
        return this.#open(client, step);
      case "stop reading":
        client.socket.pause();
        return undefined;
      case "expect response": {
        const { status } = await client.response().catch((error) => ({ status: String(error) }));
        return status === step.status ? undefined : `the response was ${status}, ${step.status} expected`;
      }
      case "expect echo":
        return expectEcho(client, step.text);
      case "expect text":
        return expectText(client, step.text);
      case "expect close":
        return expectClose(client, step.code);
      case "end":
        return this.#end(client, step.how);
    }
  }

  async #open(client: RawClient, { handshake, early }: Extract<Step, { do: "open" }>): Promise<Verdict> {
    client.socket.write(early ? Buffer.concat([handshake, early]) : handshake);
    const response = await client.response().catch((error) => ({ status: String(error) }));
    return response.status === 101 ? undefined : `a valid handshake was answered with ${response.status}`;
  }

  #end(client: RawClient, how: Extract<Step, { do: "end" }>["how"]): undefined {
    if (how === "reset") client.reset();
    if (how === "close") client.socket.destroy();
    if (how === "half-close") client.socket.end();
    if (client.socket.destroyed) return;
    client.discard();
    this.#idle.push(client);
    if (this.#idle.length > settings.maxIdle) this.#idle.shift()?.socket.destroy();
  }
}

async function expectEcho(client: RawClient, text: string): Promise<Verdict> {
  for (;;) {
    const frame = await client.frame().catch(String);
    if (typeof frame === "string") return `no echo: ${frame}`;
    if (frame.opcode === 9 || frame.opcode === 10) continue; // The heartbeat's ping, or the answer to a ping.
    const echo = `${frame.opcode} ${frame.payload}`;
    return echo === `1 ${text}` ? undefined : `${JSON.stringify(text)} was echoed as ${JSON.stringify(echo)}`;
  }
}

async function expectText(client: RawClient, text: string): Promise<Verdict> {
  for (;;) {
    const frame = await client.frame().catch(String);
    if (typeof frame === "string") return `no ${JSON.stringify(text)}: ${frame}`;
    if (frame.opcode === 8)
      return `${JSON.stringify(text)} expected, but closed: ${frame.payload.toString("latin1", 2)}`;
    if (frame.opcode === 1 && frame.payload.toString() === text) return undefined;
  }
}

async function expectClose(client: RawClient, code: number): Promise<Verdict> {
  const close = await client.closeFrame().catch(String);
  if (typeof close === "string") return `no close frame, ${code} expected: ${close}`;
  if (close.code !== code) return `closed with ${close.code}, ${code} expected`;
  const rest = await client.ended();
  return rest === "" ? undefined : `${rest.length} bytes behind the close frame`;
}
