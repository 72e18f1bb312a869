// The command line of `pnpm bench:scale`.
import { parseArgs } from "node:util";
import { UsageError } from "../options.mjs";

/** Files a process needs beside its connections. */
const OTHER_FILES = 200;

const usage = `pnpm bench:scale [--connections n]

  --connections n   how many idle connections one server process gets (100000)
`;

/**
 * @param {string[]} args
 * @param {number} openFiles how many files a process may have open
 * @returns {{ connections: number, note?: string }} `note`: why there are fewer than asked for
 * @throws UsageError
 */
export function parseScaleOptions(args, openFiles) {
  let values;
  try {
    ({ values } = parseArgs({
      args: args.filter((arg) => arg !== "--"),
      options: { connections: { type: "string", default: "100000" } },
    }));
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${usage}`);
  }
  const wanted = Number(values.connections);
  if (!Number.isInteger(wanted) || wanted < 1_000)
    throw new UsageError(`--connections takes a whole number from 1000 on, not ${values.connections}`);
  const possible = openFiles - OTHER_FILES;
  if (wanted <= possible) return { connections: wanted };
  return {
    connections: possible,
    note:
      `A process may have ${openFiles} files open here, so there are ${possible} connections. For ${wanted} run ` +
      `\`ulimit -n ${wanted + OTHER_FILES}\` before, as root or after raising \`nofile\` in /etc/security/limits.conf.`,
  };
}

/**
 * Spreads connections over client processes. Each has a loopback address of its own, as an address has about 28,000 ports.
 *
 * @param {number} connections
 * @param {number} atMost how many one process may have
 * @returns {{ address: string, count: number }[]}
 */
export function spread(connections, atMost) {
  const processes = Math.ceil(connections / atMost);
  return Array.from({ length: processes }, (_, i) => ({
    address: `127.0.0.${i + 2}`,
    count: Math.floor(connections / processes) + (i < connections % processes ? 1 : 0),
  }));
}
