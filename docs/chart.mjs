/** Gives the page on performance the chart of the last whole run of the benchmark, where there is one. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";

const chart = new URL("../bench/results/latest.svg", import.meta.url);
const include = new URL(".cache/chart.md", import.meta.url);

rmSync(include, { force: true });
if (existsSync(chart)) {
  mkdirSync(new URL(".", include), { recursive: true });
  // The path from the page that includes it.
  writeFileSync(include, "![The last whole run of the benchmark](../../bench/results/latest.svg)\n");
}
