import { type CampaignReport, type Figures, goodPeers, isLeftWith } from "./campaign.ts";
import { growthOf, type MemoryLimits, memoryLimits } from "./memory-limits.ts";
import type { ServerStatus } from "./server.ts";

const mib = 1024 * 1024;

/** What an attack may do to the round trips of a good client. */
const maxDelayMs = 50;

/** How long the server may compute at a stretch; twice as long, as elsewhere than on Linux that is the time of all its threads. */
const maxComputedMs = 2 * maxDelayMs;

export interface Limits extends MemoryLimits {
  readonly roundTripMs: number;
}

/**
 * The limit of the good client's 99th percentile is 50 ms and the noise of the machine, for everything that has nothing to
 * do with the attack makes a round trip longer too:
 * - the same round trips to the same server in quiet: what the machine takes for one at best;
 * - how late the good client's own event loop was during the attack, as it takes the time of its echoes late then;
 * - twice the time for which the server was ready to run and got no core: once for the turn of its event loop in which the
 *   message came, once for that in which it is answered. On two idle cores, which the attacker and the good client share
 *   with the server, it is 10 ms; with others at work there it is 50 ms and more.
 *
 * A noisy machine makes this limit wide. What is measured in CPU time (`computedP99Ms`) needs no such allowance.
 */
export function limitsFor({ quiet, during, turns, opened }: Figures): Limits {
  return {
    roundTripMs: maxDelayMs + quiet.p99Ms + during.loopDelayP99Ms + 2 * turns.waitedP99Ms,
    ...memoryLimits(opened),
  };
}

/** All that is wrong; nothing where the server stands. */
export function judge({ figures, failures }: CampaignReport): readonly string[] {
  return figures ? [...failures, ...judgeFigures(figures)] : failures;
}

function judgeFigures(figures: Figures): string[] {
  const { during, turns, settled, ended } = figures;
  const limits = limitsFor(figures);
  const { heapGrowth, rssGrowth } = growthOf(figures);
  const findings: [isWrong: boolean, text: string][] = [
    [
      !isLeftWith(settled, goodPeers),
      `beside the good client's ${goodPeers} WebSockets there are left ${left(settled)}`,
    ],
    [!isLeftWith(ended, 0), `after the good client has gone there are left ${left(ended)}`],
    [
      ended.opened !== ended.closed,
      `${ended.opened} open hooks were called, but ${ended.closed} close hooks`,
    ],
    [
      during.p99Ms > limits.roundTripMs,
      `the good client's round trips took ${ms(during.p99Ms)} (p99), more than ${ms(limits.roundTripMs)}`,
    ],
    [
      turns.computedP99Ms > maxComputedMs,
      `the server computed for ${ms(turns.computedP99Ms)} at a stretch (p99), more than ${ms(maxComputedMs)}`,
    ],
    [
      heapGrowth > limits.heapGrowth,
      `the heap grew by ${size(heapGrowth)}, more than ${size(limits.heapGrowth)}`,
    ],
    [
      rssGrowth > limits.rssGrowth,
      `the process grew by ${size(rssGrowth)}, more than ${size(limits.rssGrowth)}`,
    ],
  ];
  return [
    ...ended.violations.map((text) => `hooks: ${text}`),
    ...ended.unexpectedErrors.map((text) => `unexpected error: ${text}`),
    ...findings.filter(([isWrong]) => isWrong).map(([, text]) => text),
  ];
}

function left({ connections, peers, open, handshakes }: ServerStatus): string {
  return `${connections} connections, ${peers} peers, ${open} without a close hook, ${handshakes} handshakes`;
}

export function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

export function size(bytes: number): string {
  return `${(bytes / mib).toFixed(2)} MiB`;
}
