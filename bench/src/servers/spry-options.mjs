// The options of spry-ws that the arguments of a server ask for.
import { deflate } from "./contract.mjs";
import { spryBackplane } from "./spry-backplane.mjs";

/** @type {import("@spry-ws/core").SpryWsOptions} */
export const spryOptions = {
  perMessageDeflate: deflate,
  // The load counts bytes: no pings in between.
  heartbeat: { intervalMs: 600_000 },
  // Counts must not depend on how long something takes.
  ...(process.argv.includes("--whole-writes") ? { writeSliceMs: 0 } : {}),
  ...(await spryBackplane()),
};
