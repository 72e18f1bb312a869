// What a message cost when it was last recorded, and what it costs now.

/** How far a cost may be from its baseline: counts are repeatable to one or two per cent. */
const TOLERANCE = 0.05;

/** Differences below these are none, however small the baseline is. */
const negligible = { heapBytes: 16, arrayBufferBytes: 8, writes: 0.01 };

const units = {
  heapBytes: "bytes on the heap",
  arrayBufferBytes: "bytes of ArrayBuffers",
  writes: "writes to a socket",
};

/**
 * @typedef {import("./measure.mjs").Costs} Costs
 *
 * @typedef {object} Baseline of one major version of Node
 * @property {string} node the version it was recorded on
 * @property {string} commit the commit it was recorded on
 * @property {Record<string, Record<string, Costs>>} costs by scene and server
 */

/**
 * @param {Baseline} baseline
 * @param {{ scene: string, server: string, costs: Costs }[]} measured
 * @returns {{ more: string[], less: string[] }} a line for each cost that is more, or less, than it was
 */
export function compareCosts(baseline, measured) {
  const more = [];
  const less = [];
  for (const { scene, server, costs } of measured) {
    const recorded = baseline.costs[scene]?.[server];
    if (!recorded) {
      more.push(`${scene}, ${server}: has no baseline yet`);
      continue;
    }
    for (const [key, now] of Object.entries(costs)) {
      const before = recorded[key];
      const difference = now - before;
      if (Math.abs(difference) <= Math.max(before * TOLERANCE, negligible[key])) continue;
      const percent =
        before === 0 ? "" : ` (${difference > 0 ? "+" : ""}${Math.round((difference / before) * 100)} %)`;
      const line = `${scene}, ${server}: ${format(now)} ${units[key]}${percent}, and ${format(before)} at commit ${baseline.commit}`;
      (difference > 0 ? more : less).push(line);
    }
  }
  return { more, less };
}

/** @param {{ scene: string, server: string, costs: Costs }[]} measured */
export function baselineOf(measured, node, commit) {
  const costs = {};
  for (const one of measured) {
    const rounded = Object.entries(one.costs).map(([key, value]) => [key, Number(format(value))]);
    costs[one.scene] = { ...costs[one.scene], [one.server]: Object.fromEntries(rounded) };
  }
  return { node, commit, costs };
}

const format = (value) => (value < 100 ? String(Math.round(value * 100) / 100) : String(Math.round(value)));
