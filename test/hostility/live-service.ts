import { setTimeout as sleep } from "node:timers/promises";
import { defineContract, ServiceError } from "@spry-ws/contract";
import type { Hooks, Peer, SpryWs } from "@spry-ws/core";
import { createService, memoryHistory, type Published, type ServiceLimits } from "@spry-ws/service";
import { z } from "zod";
import { IntendedError } from "./error-ledger.ts";

const bytes = z.instanceof(Uint8Array);

const contract = defineContract({
  requests: {
    echo: { input: z.string(), output: z.string() },
    any: { input: z.unknown() },
    log: {
      input: z.object({ log: z.string(), text: z.string() }),
      output: z.object({ position: z.string() }),
    },
    bytes: { input: bytes, output: bytes },
    refuse: {},
    slow: { output: z.string(), repeatable: true },
    large: { output: z.string() },
    endless: { stream: z.string() },
  },
  events: { move: z.unknown() },
  topics: {
    "rooms/:room": { message: z.string() },
    open: { message: z.string() },
    "logs/:log": { message: z.string(), history: true, snapshot: z.string() },
    "plain-logs/:log": { message: z.union([z.string(), bytes]), history: true },
  },
});

/** Small, so that a short attack reaches them and nothing is left of it when memory is looked at. */
export const liveLimits = {
  maxRequests: 16,
  maxSubscriptions: 16,
  maxUnconfirmedBytes: 100_000,
  maxAbsentClients: 50,
  maxAbsentBytes: 200_000,
  absentMs: 1_000,
  /** Less than the heartbeat gives attackers, who answer no ping. */
  helloTimeoutMs: 1_800,
  maxReadBytesPerSecond: 2_000_000,
  maxTailBytes: 20_000,
} as const satisfies ServiceLimits;

/**
 * A service whose handlers take their time, whatever is cancelled.
 *
 * @param violations told when more of them run for one peer than its limits allow
 */
export function hostileService(spry: SpryWs, violations: string[], random: () => number): Hooks {
  const running = new WeakMap<Peer<unknown>, Record<string, number>>();

  async function takeTime(peer: Peer<unknown>, what: string, most: number): Promise<void> {
    const counts = running.get(peer) ?? {};
    running.set(peer, counts);
    counts[what] = (counts[what] ?? 0) + 1;
    if (counts[what] > most && violations.length < 20)
      violations.push(`${counts[what]} ${what} run for one peer, more than ${most}`);
    await sleep(random() * 60);
    counts[what]--;
  }

  const { maxRequests, maxSubscriptions } = liveLimits;
  const retention = { maxMessages: 50, maxAgeMs: 60_000 };
  const service = createService(spry, contract, {
    limits: liveLimits,
    history: memoryHistory({ maxTopics: 100, maxBytes: 100_000, maxIds: 200 }),
    requests: {
      echo: (_peer, input) => input,
      any: () => undefined,
      async log(_peer, { log, text }, { id }): Promise<Published> {
        await service.publish("plain-logs/:log", { log }, Buffer.from(text));
        return service.publish("logs/:log", { log }, text, { id });
      },
      bytes: (_peer, input) => input,
      refuse() {
        throw new ServiceError("no", "not today");
      },
      async slow(peer) {
        await takeTime(peer, "requests", maxRequests);
        return "slow";
      },
      large: () => "x".repeat(30_000),
      async *endless(peer) {
        await takeTime(peer, "streams", maxRequests);
        for (let count = 1; ; count++) {
          yield "x".repeat(5_000);
          // A client that reads all of it would else be the only one whom server and attacker compute for.
          if (count > 200) await sleep(20);
        }
      },
    },
    events: { move: (peer) => takeTime(peer, "events", maxRequests) },
    async token(peer) {
      await takeTime(peer, "tokens", maxRequests);
      return undefined;
    },
    topics: {
      "rooms/:room": {
        async subscribe(peer) {
          await takeTime(peer, "subscriptions", maxSubscriptions);
          return random() < 0.8;
        },
      },
      open: { subscribe: true },
      "logs/:log": {
        subscribe: true,
        async snapshot() {
          await sleep(random() * 20);
          if (random() < 0.1) throw new IntendedError();
          return "all of it";
        },
        history: retention,
      },
      "plain-logs/:log": { subscribe: true, history: retention },
    },
  });
  // What the history may keep, it keeps from the beginning: what is kept later is a leak.
  for (let i = 0; i < 400; i++) {
    const params = { log: String(i % 4) };
    void service.publish("logs/:log", params, "x".repeat(500), { id: String(i) });
    void service.publish("plain-logs/:log", params, "x".repeat(500));
  }
  return service;
}
