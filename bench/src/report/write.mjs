// The files a run leaves behind.
import { mkdirSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { renderChart } from "./chart.mjs";

/**
 * @param {boolean} isWhole a run of some scenes, of some contestants, or a quick one does not overwrite what is under version
 *   control
 * @returns {string[]} what was written, relative to the working directory
 */
export function writeResults(report, isWhole) {
  const folder = fileURLToPath(
    new URL(isWhole ? "../../results/" : "../../.cache/results/", import.meta.url),
  );
  mkdirSync(folder, { recursive: true });
  const files = { [`${folder}latest.json`]: `${JSON.stringify(report, undefined, 2)}\n` };
  files[`${folder}latest.svg`] = renderChart(report);
  for (const [file, text] of Object.entries(files)) writeFileSync(file, text);
  return Object.keys(files).map((file) => relative(process.cwd(), file));
}
