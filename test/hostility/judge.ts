import { type CampaignReport, type Figures, goodPeers, isLeftWith } from "./campaign.ts";
import type { ServerStatus } from "./server.ts";

const kib = 1024;
const mib = 1024 * kib;

/** What an attack may do to the round trips of a good client. */
const maxDelayMs = 50;

/** How long the server may compute at a stretch; twice as long, as elsewhere than on Linux that is the time of all its threads. */
const maxComputedMs = 2 * maxDelayMs;

/**
 * Code compiled late and caches that fill up: runs of 10 s ended with up to 0.6 MiB more heap than after the warm-up, runs of
 * 80 s with 1.9 MiB, and after 10,000 connections it grew no more. 256 bytes for each of a thousand connections or more come
 * on top. So a peer that stays reachable (more than 10 KiB), its request (4 KiB) or a timer with its closure is a failure.
 */
const heapTolerance = 1 * mib;
const maxHeapPerConnection = 256;

/** The allocator gives pages back when it likes. This is for leaks that are not on the heap: 50 KiB for each connection. */
const rssTolerance = 64 * mib;

export interface Limits {
  readonly roundTripMs: number;
  readonly heapGrowth: number;
  readonly rssGrowth: number;
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
export function limitsFor({ quiet, during, turns, settled }: Figures): Limits {
  return {
    roundTripMs: maxDelayMs + quiet.p99Ms + during.loopDelayP99Ms + 2 * turns.waitedP99Ms,
    heapGrowth: heapTolerance + maxHeapPerConnection * settled.opened,
    rssGrowth: rssTolerance,
  };
}

/** All that is wrong; nothing where the server stands. */
export function judge({ figures, failures }: CampaignReport): readonly string[] {
  return figures ? [...failures, ...judgeFigures(figures)] : failures;
}

function judgeFigures(figures: Figures): string[] {
  const { during, turns, memoryBefore, memoryAfter, settled, ended } = figures;
  const limits = limitsFor(figures);
  const heapGrowth = memoryAfter.heap - memoryBefore.heap;
  const rssGrowth = memoryAfter.rss - memoryBefore.rss;
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
