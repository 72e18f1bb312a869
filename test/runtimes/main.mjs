// Runs the shared suite on every supported runtime: `pnpm test:runtimes`, or with names `pnpm test:runtimes bun "node 22"`.
// A test that fails has to stand in exceptions.mjs, one that stands there has to fail. When all have run, the table in
// docs/reference/compatibility.md is written.
import { binaryOf } from "./install.mjs";
import { runtimes } from "./runtimes.mjs";
import { runSuite } from "./suite.mjs";
import { writeTable } from "./table.mjs";

const wanted = process.argv.slice(2).map((name) => name.toLowerCase());
const chosen = runtimes.filter(
  ({ name, version }) =>
    wanted.length === 0 || wanted.some((prefix) => `${name} ${version}`.toLowerCase().startsWith(prefix)),
);
if (chosen.length === 0) {
  const names = runtimes.map(({ name, version }) => `${name} ${version}`).join(", ");
  console.error(`no runtime is called ${wanted.join(" or ")}; there are ${names}`);
  process.exit(1);
}

const runs = [];
const totals = { passed: 0, failed: 0 };
for (const runtime of chosen) {
  const title = `${runtime.name} ${runtime.version}`;
  try {
    const started = Date.now();
    const results = await runSuite(runtime, binaryOf(runtime));
    runs.push({ runtime, results });
    console.log(`${title} (${Math.round((Date.now() - started) / 1000)} s)`);
    for (const result of results) print(result);
  } catch (error) {
    totals.failed++;
    console.error(`${title}: ${error.message}`);
  }
}

if (runs.length === runtimes.length && totals.failed === 0 && writeTable(runs)) {
  console.log("docs/reference/compatibility.md was written");
}
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;

function print({ adapter, passed, total, failed, excepted, unneeded }) {
  const notes = excepted.length === 0 ? "" : `, ${excepted.length} excepted`;
  console.log(`  ${adapter}: ${passed} of ${total} passed${notes}`);
  for (const test of failed) console.error(`    failed: ${test}`);
  for (const test of unneeded) console.error(`    passes, and stands in exceptions.mjs: ${test}`);
  totals.passed += passed;
  totals.failed += failed.length + unneeded.length;
}
