import { setTimeout as sleep } from "node:timers/promises";
import { type AssaultReport, assault } from "./assault.ts";
import { Child } from "./child.ts";
import type { GoodClientCommands, GoodClientFigures } from "./good-client.ts";
import { hasGrown } from "./memory-limits.ts";
import type { ServerCommands, ServerMemory, ServerStatus, ServerTurns } from "./server.ts";
import { settings } from "./settings.ts";

/** What was measured of one adapter. */
export interface Figures {
  /** The good client's round trips without any attack, and during it. */
  readonly quiet: GoodClientFigures;
  readonly during: GoodClientFigures;
  /** What the server did during the attack. */
  readonly turns: ServerTurns;
  /** Before and after the last attack: where memory had grown too much, the same attack went on. A leak grows again. */
  readonly memoryBefore: ServerMemory;
  readonly memoryAfter: ServerMemory;
  /** WebSockets that were opened between the two. */
  readonly opened: number;
  /** When the attackers had gone and the good client was still there. */
  readonly settled: ServerStatus;
  /** When the good client had gone too. */
  readonly ended: ServerStatus;
}

export interface CampaignReport {
  /** The warm-up, then the attack proper. */
  readonly assaults: readonly AssaultReport[];
  /** Undefined where the campaign had to be broken off. */
  readonly figures: Figures | undefined;
  /** Faults of the processes, and what the server did wrong. */
  readonly failures: readonly string[];
}

/**
 * How often an attack goes on behind which memory has grown. What code that is compiled late, caches and logs may keep, they have after the
 * first or the second one, however slow the machine is.
 */
const maxRounds = 3;

/** The WebSockets of the good client. */
export const goodPeers = 3;

/**
 * One adapter: a server and a good client, each in a process of its own; attacks until both are warm; measurements in
 * quiet; attacks; measurements again. Never rejects.
 */
export async function campaign(adapterName: string): Promise<CampaignReport> {
  const assaults: AssaultReport[] = [];
  const failures: string[] = [];
  const figures = await run(adapterName, assaults, failures).catch((error: unknown) => {
    failures.push(error instanceof Error ? error.message : String(error));
    return undefined;
  });
  return { assaults, figures, failures: [...new Set(failures)] };
}

async function run(adapterName: string, assaults: AssaultReport[], failures: string[]): Promise<Figures> {
  const seed = String(settings.seed);
  await using server = await Child.start<ServerCommands>("server", failures, adapterName, seed);
  const port = await server.ask("port");
  await using client = await Child.start<GoodClientCommands>("good-client", failures, String(port), seed);

  const attack = async (durationMs: number): Promise<void> => {
    const from = assaults.reduce((sum, { count }) => sum + count, 0);
    const hasFailed = (): boolean => failures.length > 0;
    const report = await assault({ server, port, from, durationMs, hasFailed });
    assaults.push(report);
    failures.push(...report.failures);
    if (hasFailed()) throw new Error("The campaign was broken off");
  };

  await attack(settings.warmUpMs);
  let { opened } = await settle(server, goodPeers);
  let memoryBefore = await server.ask("memory");
  await client.ask("figures");
  await sleep(settings.quietMs);
  const quiet = await client.ask("figures");
  await server.ask("turns");
  await attack(settings.attackMs);
  const during = await client.ask("figures");
  const turns = await server.ask("turns");
  let settled = await settle(server, goodPeers);
  let memoryAfter = await server.ask("memory");
  for (let round = 1; round < maxRounds; round++) {
    if (!hasGrown({ memoryBefore, memoryAfter, opened: settled.opened - opened })) break;
    [memoryBefore, opened] = [memoryAfter, settled.opened];
    await attack(settings.attackMs);
    settled = await settle(server, goodPeers);
    memoryAfter = await server.ask("memory");
  }
  await client.stop("stop", settings.settleTimeoutMs);
  const ended = await settle(server, 0);
  await server.stop("stop", settings.settleTimeoutMs);
  opened = settled.opened - opened;
  return { quiet, during, turns, memoryBefore, memoryAfter, opened, settled, ended };
}

export function isLeftWith({ connections, peers, handshakes, open }: ServerStatus, count: number): boolean {
  return connections === count && peers === count && open === count && handshakes === 0;
}

/** Waits until only so many WebSockets are left; gives up after a time, and lets the caller see what is left then. */
async function settle(server: Child<ServerCommands>, peers: number): Promise<ServerStatus> {
  const deadline = performance.now() + settings.settleTimeoutMs;
  for (;;) {
    const status = await server.ask("status");
    if (isLeftWith(status, peers) || performance.now() > deadline) return status;
    await sleep(25);
  }
}
