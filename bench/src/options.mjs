// The command line.
import { parseArgs } from "node:util";
import { contestants } from "./contestants.mjs";
import { nodeVersions } from "./node-versions.mjs";
import { scenes } from "./scenes/index.mjs";

const usage = `pnpm bench [options]

  --only scene[,scene]    only these scenes, or all of a group: mixed, large
  --contestants a[,b]     only these contestants, or all of a framework: express, fastify, koa
  --node 20,22            servers run on these versions of Node, each in turn: ${nodeVersions.map(({ name }) => name).join(", ")}
  --rounds n              how often each contestant is measured in each scene (3)
  --quick                 short measurements, one round: a look, no more
  --json                  JSON on standard output in place of the tables

scenes       ${scenes.map(({ name }) => name).join(", ")}
contestants  ${contestants.map(({ name }) => name).join(", ")}
`;

/** Something the user has to change; shown without a stack. */
export class UsageError extends Error {}

/** Runs a program that may end with what the user has to change. @param {() => Promise<unknown>} main */
export async function runCommand(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/**
 * @param {string[]} args
 * @throws UsageError
 */
export function parseOptions(args) {
  let values;
  try {
    // `pnpm bench -- --quick` hands the dashes on.
    ({ values } = parseArgs({
      args: args.filter((arg) => arg !== "--"),
      options: {
        only: { type: "string" },
        contestants: { type: "string" },
        node: { type: "string" },
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${usage}`);
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new UsageError(`--rounds takes a whole number above 0, not ${values.rounds}`);
  return {
    help: values.help ? usage : undefined,
    scenes: choose("--only", values.only, scenes),
    contestants: choose("--contestants", values.contestants, contestants).map(({ name }) => name),
    nodeVersions: values.node === undefined ? [] : choose("--node", values.node, nodeVersions),
    rounds,
    quick: values.quick,
    json: values.json,
    /** Whether it is a run whose results are worth keeping. */
    isWhole:
      !values.quick && [values.only, values.contestants, values.node].every((list) => list === undefined),
  };
}

/**
 * @template {{ name: string, group?: string }} T
 * @param {T[]} all
 */
function choose(option, list, all) {
  if (list === undefined) return all;
  const wanted = list.split(",").map((name) => name.trim());
  const known = [...new Set(all.flatMap(({ name, group }) => (group ? [name, group] : [name])))];
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new UsageError(`${option}: ${unknown.join(", ")} is none of ${known.join(", ")}`);
  return all.filter(({ name, group }) => wanted.includes(name) || wanted.includes(group));
}
