// Time by the clock, the server's CPU time, and what else ran on the two cores.
import { readFileSync } from "node:fs";

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

export class Stopwatch {
  #pid;
  #cores;
  #startedMs = 0;
  #started = { server: undefined, others: [] };

  /**
   * @param {number} pid the server's
   * @param {{ server: number, load: number } | undefined} cores
   */
  constructor(pid, cores) {
    this.#pid = pid;
    this.#cores = cores;
  }

  start() {
    this.#started = this.#read();
    this.#startedMs = performance.now();
  }

  get elapsedMs() {
    return performance.now() - this.#startedMs;
  }

  /**
   * @param {number} count how many units of work were done since `start`
   * @returns {{ perSecond: number, cpuMicros?: number, busy?: number, otherWork?: number }} units per second; microseconds of
   *   server CPU for each; the share of one core that the server had; the share of its core, or of the load's, that other
   *   processes of the machine had
   */
  stop(count) {
    const seconds = this.elapsedMs / 1_000;
    const { server, others } = this.#read();
    if (server === undefined) return { perSecond: count / seconds };
    const used = server - this.#started.server;
    return {
      perSecond: count / seconds,
      cpuMicros: (used * 1_000_000) / count,
      busy: used / seconds,
      otherWork: Math.max(0, ...others.map((other, i) => (other - this.#started.others[i]) / seconds)),
    };
  }

  #read() {
    const server = cpuSeconds(this.#pid);
    if (server === undefined || !this.#cores) return { server, others: [] };
    const beside = (core, own) => busySeconds(core) - own;
    return {
      server,
      others: [beside(this.#cores.server, server), beside(this.#cores.load, cpuSeconds(process.pid))],
    };
  }
}
