// The report as text.
import { formatFigure, formatRatio, formatShare, formatTable } from "./format.mjs";

const quantileNames = { p50Ms: "p50", p99Ms: "p99", p999Ms: "p99.9" };

export function printReport({ scenes, targets, quick }) {
  for (const scene of scenes) {
    for (const measure of scene.measures) printScene(scene, measure);
  }
  const inThisRun = targets.filter((target) => scenes.some(({ name }) => name === target.scene));
  const rows = inThisRun.map(
    ({ node, work, against, ours, atLeast, atMost, unit, reached, reachedByCpu, verdict }) => [
      node ? `Node ${node}: ${work}` : work,
      against ?? "",
      ours,
      `${atLeast === undefined ? "≤" : "≥"} ${unit ? formatFigure(atLeast ?? atMost, unit) : `${atLeast ?? atMost} ×`}`,
      unit ? formatFigure(reached, unit) : formatRatio(reached),
      formatRatio(reachedByCpu),
      verdict,
    ],
  );
  const header = ["work", "against", "ours", "asked", "reached", "by CPU", ""];
  if (rows.length > 0) {
    console.log("\nRatios reached, and those asked for (ours ÷ theirs)\n");
    console.log(formatTable([header, ...rows]));
  }
  if (quick) console.log("\nA quick run, one short round each: a look, no more.");
}

/**
 * @param {import("./median.mjs").SceneResult} scene
 * @param {import("../scenes/index.mjs").Measure} measure
 */
function printScene(scene, { key, unit, better, label }) {
  const ours = scene.results.find(({ name }) => name === scene.ours)?.median?.[key];
  const measured = scene.results.filter(({ median }) => Number.isFinite(median?.[key]));
  measured.sort((a, b) => (a.median[key] - b.median[key]) * (better === "less" ? 1 : -1));
  const columns = [
    ["", ({ label }) => label],
    [label, ({ median }) => formatFigure(median[key], unit)],
    [`÷ ${scene.ours}`, ({ median }) => formatRatio(median[key] / ours)],
    ...["p50Ms", "p99Ms", "p999Ms"].map((quantile) => [
      quantileNames[quantile],
      ({ median }) => (key === quantile ? "" : formatFigure(median[quantile], "ms")),
    ]),
    ["full GCs", ({ median }) => formatFigure(median.fullCollections, "count")],
    ["CPU for each", ({ median }) => (key === "cpuMicros" ? "" : formatFigure(median.cpuMicros, "µs"))],
    ["server's core", ({ median }) => formatShare(median.busy)],
    ["other work", ({ median }) => formatShare(median.otherWork)],
  ].map(([header, cell]) => [header, ...measured.map(cell)]);
  const filled = columns.filter(([, ...cells], i) => i === 0 || cells.some((cell) => cell !== ""));

  const onNode = scene.node ? `, on Node ${scene.node}` : "";
  console.log(`\n${scene.title}: ${scene.load} (${better} is better)${onNode}`);
  if (scene.note) console.log(scene.note);
  console.log(`\n${formatTable(filled[0].map((_cell, row) => filled.map((column) => column[row])))}`);
  for (const { label, problem, median } of scene.results) {
    if (problem) console.log(`${label}: ${problem}`);
    else if (!Number.isFinite(median[key])) console.log(`${label}: not known here; read from /proc on Linux`);
  }
  if (scene.others) console.log(`(${scene.others})`);
}
