// Time by the clock, the server's CPU time, and what else ran on the two cores.
import { readFileSync } from "node:fs";
import { sharedClockMs } from "../laps.mjs";

/** `/proc` counts in ticks of USER_HZ, which is 100 wherever Node runs. */
const TICKS_PER_SECOND = 100;

function read(file) {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}

/** Seconds of CPU a process has used, in all its threads; undefined where there is no /proc. */
function cpuSeconds(pid) {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses; utime and stime are the 14th and 15th (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Seconds a core was not idle, for whomever (proc_stat(5)). */
function busySeconds(core) {
  const line = read("/proc/stat")
    ?.split("\n")
    .find((candidate) => candidate.startsWith(`cpu${core} `));
  if (!line) return undefined;
  const [user, nice, system, _idle, _iowait, irq, softirq, steal] = line.split(" ").slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Adds up laps: what happens between `stop` and the next `start` does not count. */
export class Stopwatch {
  #pids;
  #cores;
  /** When it ran, in the terms of laps.mjs. @type {[beginMs: number, endMs: number][]} */
  laps = [];
  #begin = { ms: 0, server: undefined, others: [] };
  #seconds = 0;
  #cpuSeconds = 0;
  #otherSeconds = [0, 0];

  /**
   * @param {number[]} pids the server's, or the servers'
   * @param {{ server: number, load: number } | undefined} cores
   */
  constructor(pids, cores) {
    this.#pids = pids;
    this.#cores = cores;
  }

  /** Forgets what it has measured. */
  reset() {
    this.laps.length = 0;
    this.#seconds = 0;
    this.#cpuSeconds = 0;
    this.#otherSeconds = [0, 0];
  }

  start() {
    this.#begin = this.#read();
  }

  /** Milliseconds since `start`. */
  get elapsedMs() {
    return sharedClockMs() - this.#begin.ms;
  }

  /** The seconds of all laps. */
  get seconds() {
    return this.#seconds;
  }

  stop() {
    const end = this.#read();
    this.laps.push([this.#begin.ms, end.ms]);
    this.#seconds += (end.ms - this.#begin.ms) / 1_000;
    this.#cpuSeconds += end.server - this.#begin.server;
    this.#otherSeconds = this.#otherSeconds.map((sum, i) => sum + end.others[i] - this.#begin.others[i]);
  }

  /**
   * @param {number} count how many units of work were done in all laps
   * @returns {{ perSecond: number, cpuMicros?: number, busy?: number, otherWork?: number }} units per second; microseconds of
   *   server CPU for each; the share of one core that the server had; the share of its core, or of the load's, that other
   *   processes of the machine had. Not all of it can be known everywhere.
   */
  result(count) {
    const known = {
      perSecond: count / this.#seconds,
      cpuMicros: (this.#cpuSeconds * 1_000_000) / count,
      busy: this.#cpuSeconds / this.#seconds,
      otherWork: Math.max(0, ...this.#otherSeconds) / this.#seconds,
    };
    return Object.fromEntries(Object.entries(known).filter(([, value]) => Number.isFinite(value)));
  }

  #read() {
    const server = this.#pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const own = cpuSeconds(process.pid);
    const others = [busySeconds(this.#cores?.server) - server, busySeconds(this.#cores?.load) - own];
    return { ms: sharedClockMs(), server, others };
  }
}
