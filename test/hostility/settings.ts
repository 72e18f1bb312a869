import { randomInt } from "node:crypto";

/** One framework in one version, by the name of its adapter. */
export const adapterNames = ["express 4", "express 5", "fastify 5", "koa 2", "koa 3", "node:http"] as const;

const totalSeconds = positive("HOSTILITY_SECONDS", 60);
const msPerAdapter = (totalSeconds * 1000) / adapterNames.length;
const warmUpMs = Math.min(2_000, msPerAdapter / 5);
const quietMs = Math.min(1_000, msPerAdapter / 10);
/** Starting two processes, settling twice, ending. */
const overheadMs = 1_500;

/** What bounds a run. `HOSTILITY_SEED` repeats one, `HOSTILITY_SECONDS` makes it longer or shorter. */
export const settings = {
  /** The same seed makes the same attacks in the same order; how many of them depends on the time and the machine. */
  seed: positive("HOSTILITY_SEED", randomInt(1, 2 ** 31)),
  totalSeconds,
  msPerAdapter,
  /** Attacks before the first measurement, so that code is compiled and caches are filled. */
  warmUpMs,
  /** The good client alone: how fast this machine is. */
  quietMs,
  /** What is left of the adapter's share. */
  attackMs: Math.max(1_000, msPerAdapter - warmUpMs - quietMs - overheadMs),
  /** Attacks at once; each has one connection. */
  lanes: 10,
  /** Connections that attacks have left open and idle; the oldest is closed for a new one. */
  maxIdle: 32,
  maxAttacksPerSecond: 250,
  maxAttacksPerAdapter: 20_000,
  /**
   * How much of the time the attacker and the server may each compute. There may be no more than two cores, shared with
   * the good client: an attack that saturates them measures the scheduler, not the server.
   */
  maxCpuShare: 0.45,
  /** After this an attack is broken off; what it expected of the server by then counts as not done. */
  attackTimeoutMs: 5_000,
  /** How long the server may take to have no connection but the good client's, when the attackers have gone. */
  settleTimeoutMs: 10_000,
} as const;

function positive(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0))
    throw new RangeError(`${name} must be a number above 0, not ${text}`);
  return value;
}
