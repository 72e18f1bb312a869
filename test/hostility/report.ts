import { describeAttack } from "./attack.ts";
import type { CampaignReport } from "./campaign.ts";
import { limitsFor, ms, size } from "./judge.ts";
import { settings } from "./settings.ts";

/** How many of the last attacks the report of a failure shows: those under way, and some before. */
const shownAttacks = 24;

/** One failure often brings others with it. */
const shownFailures = 20;

export function seedLine(): string {
  return `seed ${settings.seed}, ${settings.totalSeconds} s in all; HOSTILITY_SEED and HOSTILITY_SECONDS set them`;
}

/** What was done to an adapter, and how it bore it. */
export function summarize(adapter: string, { assaults, figures }: CampaignReport): string {
  const counts: Record<string, number> = {};
  for (const { countsByKind } of assaults) {
    for (const [kind, count] of Object.entries(countsByKind)) counts[kind] = (counts[kind] ?? 0) + count;
  }
  const attacks = assaults.map(({ count }) => count);
  const lines = [
    `${adapter}: ${attacks.reduce((sum, count) => sum + count, 0)} attacks (${attacks.join(" + ")})`,
    list(counts),
  ];
  if (!figures) return lines.join("\n");

  const { quiet, during, turns, memoryBefore, memoryAfter, ended } = figures;
  const { attackerShare = 0, serverShare = 0 } = assaults.at(-1) ?? {};
  const limits = limitsFor(figures);
  lines.push(
    `  ${ended.opened} WebSockets opened, ${ended.closed} closed; errors reported to hooks and frameworks:`,
    list(ended.errors),
    `  round trips of the good client, p99: ${ms(quiet.p99Ms)} before (${quiet.roundTrips}), ${ms(during.p99Ms)} during ` +
      `(${during.roundTrips}), limit ${ms(limits.roundTripMs)}; its own delay ${ms(during.loopDelayP99Ms)}`,
    `  the server, p99: computed ${ms(turns.computedP99Ms)} at a stretch, waited ${ms(turns.waitedP99Ms)} for a core; ` +
      `CPU ${percent(serverShare)}, attacker ${percent(attackerShare)}`,
    `  heap ${size(memoryBefore.heap)} before, ${size(memoryAfter.heap)} after; ` +
      `RSS ${size(memoryBefore.rss)} before, ${size(memoryAfter.rss)} after`,
  );
  return lines.join("\n");
}

/** What is wrong, what was done last, and how to do it again. */
export function explain(adapter: string, wrong: readonly string[], { assaults }: CampaignReport): string {
  const last = (assaults.at(-1)?.last ?? []).slice(-shownAttacks);
  return [
    `${adapter} does not stand:`,
    ...wrong.slice(0, shownFailures).map((text) => `- ${text}`),
    "The last attacks:",
    ...last.map(describeAttack),
    `Again: HOSTILITY_SEED=${settings.seed} HOSTILITY_SECONDS=${settings.totalSeconds} pnpm test:hostility -t "${adapter}"`,
  ].join("\n");
}

/** Names and numbers, in lines of a readable length. */
function list(counts: Readonly<Record<string, number>>): string {
  const lines = [""];
  for (const [name, count] of Object.entries(counts)) {
    const item = `${name} ${count}; `;
    if (`${lines.at(-1)}${item}`.length > 110) lines.push("");
    lines[lines.length - 1] += item;
  }
  return lines.map((line) => `    ${line.trimEnd()}`).join("\n");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
