import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceError } from "@spry-ws/client";
import type { Network } from "@spry-ws/testing";
import fc from "fast-check";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { open, startProcess, type TestClient } from "./live.ts";

/** `CUTS_SEED` repeats a run, as far as times can be; `CUTS` makes it longer: 300 are what an hour with one in 12 seconds has. */
const seed = Number(process.env.CUTS_SEED ?? randomInt(1, 2 ** 31));
const cuts = Number(process.env.CUTS ?? 300);

/** What happens to a network, how long it lasts, and how long there is peace behind it. */
interface Trouble {
  readonly kind: "cut" | "down" | "freeze" | "freeze and cut" | "swallow" | "slow";
  readonly direction: "up" | "down" | undefined;
  readonly forMs: number;
  readonly peaceMs: number;
}

const trouble: fc.Arbitrary<Trouble> = fc.record({
  kind: fc.constantFrom("cut", "cut", "down", "freeze", "freeze and cut", "swallow", "slow"),
  direction: fc.constantFrom("up", "down", undefined),
  forMs: fc.integer({ min: 1, max: 60 }),
  peaceMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120 })),
});

interface Asked {
  readonly kind: "run" | "read" | "count";
  /** How long the handler takes, and each value of a stream. */
  readonly takesMs: number;
  readonly timeoutMs: number;
  readonly abortAfterMs: number | undefined;
  readonly pauseMs: number;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  kind: fc.constantFrom("run", "run", "read", "count"),
  takesMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 80 })),
  timeoutMs: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 5, max: 400 }) },
  ),
  abortAfterMs: fc.oneof(
    { weight: 7, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 100 }) },
  ),
  pauseMs: fc.integer({ min: 0, max: 20 }),
});

it(`over ${cuts} random cuts every request is answered once or fails with a code, and runs once (CUTS_SEED=${seed})`, async () => {
  const twice: string[] = [];
  await using one = await startCounting();
  await using other = await startCounting();
  const processes = [one, other];
  const options = { WebSocket: countingAnswers(twice) as never, openTimeoutMs: 100, firstDelayMs: 2 };
  // One comes back to either process, mostly to where it was before; the other one to its own alone.
  using ada = open(() => (Math.random() < 0.85 ? one : other).process.network.url("/"), options);
  using bob = open(other.process.network.url("/"), options);
  const clients = [ada, bob];

  let isOver = false;
  const conversations = clients.map((client, index) => converse(client, index, () => isOver));
  await Promise.all(processes.map(({ process: { network } }, index) => disturb(network, index)));
  isOver = true;
  const outcomes = (await Promise.all(conversations)).flat();

  expect(twice, "answered twice on a connection").toEqual([]);
  const counts = outcomes.reduce<Record<string, number>>((all, { result }) => {
    all[result] = (all[result] ?? 0) + 1;
    return all;
  }, {});
  console.log(`CUTS_SEED=${seed}`, counts);
  for (const { client, input, kind, result } of outcomes) {
    const runs = processes.map(({ ran }) => ran.get(input) ?? 0);
    const what = `${kind} ${input}: ${result}, ran ${runs.join(" and ")} times`;
    expect(Math.max(...runs), what).toBeLessThanOrEqual(1);
    // Only what is repeatable may run in both.
    if (kind !== "read") expect((runs[0] as number) + (runs[1] as number), what).toBeLessThanOrEqual(1);
    // The process that a client comes back to knows what it had.
    if (client === bob && kind !== "count") expect(result, what).not.toBe("lost");
    if (result === "answered") expect(Math.max(...runs), what).toBe(1);
    expect(["answered", "streamed", "lost", "timeout", "aborted"], what).toContain(result);
  }
  expect(counts.answered).toBeGreaterThan(outcomes.length / 4);
  // And they go on.
  for (const client of clients)
    expect(await client.request("run", `last ${clients.indexOf(client)} 0`)).toMatch(/^ran last/);
}, 120_000);

/** A process whose handlers count how often each input ran. */
async function startCounting() {
  const ran = new Map<string, number>();
  const count = (input: string) => ran.set(input, (ran.get(input) ?? 0) + 1);
  const run = async (_peer: unknown, input: string) => {
    count(input);
    await sleep(Number(input.split(" ").at(-1)));
    return `ran ${input}`;
  };
  const process = await startProcess({
    requests: {
      run,
      read: run,
      async *count(_peer, takesMs, { id }) {
        count(id);
        for (let n = 1; n <= streamLength; n++) {
          if (takesMs > 0) await sleep(takesMs / 10);
          yield n;
        }
      },
    },
  });
  return { process, ran, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

const streamLength = 20;

interface Outcome {
  readonly client: TestClient;
  readonly kind: Asked["kind"];
  readonly input: string;
  /** `answered`, or the code of a failure, or what must not be. */
  readonly result: string;
}

/** Asks until it is over, and waits for all that was asked. */
async function converse(client: TestClient, index: number, isOver: () => boolean): Promise<Outcome[]> {
  const outcomes: Promise<Outcome>[] = [];
  for (let round = 0; !isOver(); round++)
    for (const one of fc.sample(asked, { seed: seed + 1_000 * index + round + 2, numRuns: 20 })) {
      const input = `${index} ${outcomes.length} ${one.takesMs}`;
      outcomes.push(ask(client, input, one).then((result) => ({ client, kind: one.kind, input, result })));
      await sleep(one.pauseMs);
    }
  return Promise.all(outcomes);
}

async function ask(
  client: TestClient,
  input: string,
  { kind, takesMs, timeoutMs, abortAfterMs }: Asked,
): Promise<string> {
  const abort = new AbortController();
  if (abortAfterMs !== undefined) setTimeout(() => abort.abort(), abortAfterMs);
  const options = { timeoutMs, signal: abort.signal };
  try {
    if (kind !== "count") {
      const output = await client.request(kind, input, options);
      return output === `ran ${input}` ? "answered" : `answered with ${output}`;
    }
    let last = 0;
    for await (const n of client.stream("count", takesMs, options))
      if (n !== ++last) return `${n} instead of ${last}`;
    return last === streamLength ? "streamed" : `ended after ${last}`;
  } catch (error) {
    return error instanceof ServiceError ? error.code : String(error);
  }
}

/** Does to a network what the seed says, and leaves it whole. */
async function disturb(network: Network, index: number): Promise<void> {
  for (const { kind, direction, forMs, peaceMs } of fc.sample(trouble, {
    seed: seed + index,
    numRuns: cuts / 2,
  })) {
    if (kind === "cut") network.cut();
    if (kind === "down") network.goDown();
    if (kind === "freeze" || kind === "freeze and cut") network.freeze(direction);
    if (kind === "swallow") network.swallow(direction);
    if (kind === "slow") network.slow({ latencyMs: forMs, bytesPerSecond: 20_000 });
    await sleep(forMs);
    if (kind === "freeze and cut" || kind === "swallow") network.cut();
    if (kind === "slow") network.slow({});
    network.mend();
    await sleep(peaceMs);
  }
}

/** A WebSocket class that looks at what comes: a connection has one answer to each request. */
function countingAnswers(twice: string[]) {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      const answered = new Set<number>();
      this.on("message", (data) => {
        const [kind, n] = JSON.parse(String(data)) as [string?, number?];
        if (n === undefined || (kind !== "r" && kind !== "f")) return;
        if (answered.has(n)) twice.push(String(data));
        answered.add(n);
      });
    }
  };
}
