// The machine: its cores, its limits, and how to name it in a report.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

/** The lines of a file of /proc, none where there is no /proc. */
function procLine(file, pattern) {
  try {
    return pattern.exec(readFileSync(file, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}

/** The cores this process may use, from a list such as `0-3,8`. */
function allowedCores() {
  const list = procLine("/proc/self/status", /^Cpus_allowed_list:\s+(\S+)/m) ?? "";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The cores of the server and of the load; undefined where processes cannot be pinned. */
export const cores = (() => {
  const [server, load] = allowedCores();
  if (load === undefined || spawnSync("taskset", ["--version"]).status !== 0) return undefined;
  return { server, load };
})();

/** A command line that runs on one core, where that can be had. */
export function pinned(core, command, args) {
  return cores ? ["taskset", ["-c", String(cores[core]), command, ...args]] : [command, args];
}

/** How many files a process may have open. Node raises its soft limit to the hard one. */
export function openFilesLimit() {
  const limit = procLine("/proc/self/limits", /^Max open files\s+\S+\s+(\d+)/m);
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

export function describeMachine() {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? "unknown CPU",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    pinning: cores ? `server on core ${cores.server}, load on core ${cores.load}` : "processes not pinned",
    loadAverageAtStart: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    date: new Date().toISOString(),
  };
}
