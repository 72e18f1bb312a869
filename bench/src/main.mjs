// `pnpm bench`: measures, prints, writes.
import { existsSync } from "node:fs";
import { describeMachine } from "./machine.mjs";
import { measure } from "./measure.mjs";
import { parseOptions, runCommand, UsageError } from "./options.mjs";
import { prepareContestants } from "./prepare-contestants.mjs";
import { printReport } from "./report/print.mjs";
import { compare } from "./report/targets.mjs";
import { writeResults } from "./report/write.mjs";

/** Progress goes to standard error: standard output is the report. */
const log = (text) => process.stderr.write(text);

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return void console.log(options.help);
  assertBuilt();

  const machine = describeMachine();
  log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${machine.pinning}\n`);
  if (machine.loadAverageAtStart > 0.5) {
    log(`Other work runs on this machine (load average ${machine.loadAverageAtStart}): expect noise.\n`);
  }
  const contestants = await prepareContestants(options, (line) => log(`${line}\n`));
  for (const { label, unavailable } of contestants)
    if (unavailable) log(`without ${label}: ${unavailable}\n`);

  const scenes = await measure(contestants, options, log);
  const report = {
    machine,
    quick: options.quick,
    rounds: options.rounds,
    contestants: contestants.map(({ name, label, version, node, unavailable }) => ({
      name,
      label,
      version,
      node,
      unavailable,
    })),
    scenes,
    targets: compare(scenes),
  };
  const files = writeResults(report, options.isWhole);
  if (options.json) console.log(JSON.stringify(report, undefined, 2));
  else printReport(report);
  log(`written: ${files.join(", ")}\n`);
}

/** @throws UsageError */
function assertBuilt() {
  const missing = ["core", "express", "fastify", "koa", "contract", "service"].filter(
    (name) => !existsSync(new URL(`../../packages/${name}/dist/index.js`, import.meta.url)),
  );
  if (missing.length > 0)
    throw new UsageError(`not built: packages/${missing.join(", packages/")}. Run \`pnpm build\` first.`);
}

await runCommand(main);
