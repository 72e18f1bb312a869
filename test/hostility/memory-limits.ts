import type { ServerMemory } from "./server.ts";

const kib = 1024;
const mib = 1024 * kib;

/**
 * Code compiled late and caches that fill up: runs of 10 s ended with up to 0.6 MiB more heap than after the warm-up, runs of
 * 80 s with 1.9 MiB, and after 10,000 connections it grew no more. 256 bytes for each of a thousand connections or more come
 * on top. So a peer that stays reachable (more than 10 KiB), its request (4 KiB) or a timer with its closure is a failure.
 */
const heapTolerance = 1 * mib;
const maxHeapPerConnection = 256;

/** The allocator gives pages back when it likes. This is for leaks that are not on the heap: 50 KiB for each connection. */
const rssTolerance = 64 * mib;

/** What the memory of the server may grow by, in bytes. */
export interface MemoryLimits {
  readonly heapGrowth: number;
  readonly rssGrowth: number;
}

/** What was measured around an attack, in which so many WebSockets were opened. */
interface Measured {
  readonly memoryBefore: ServerMemory;
  readonly memoryAfter: ServerMemory;
  readonly opened: number;
}

export function memoryLimits(opened: number): MemoryLimits {
  return { heapGrowth: heapTolerance + maxHeapPerConnection * opened, rssGrowth: rssTolerance };
}

export function growthOf({ memoryBefore, memoryAfter }: Omit<Measured, "opened">): MemoryLimits {
  return { heapGrowth: memoryAfter.heap - memoryBefore.heap, rssGrowth: memoryAfter.rss - memoryBefore.rss };
}

export function hasGrown(measured: Measured): boolean {
  const [growth, limits] = [growthOf(measured), memoryLimits(measured.opened)];
  return growth.heapGrowth > limits.heapGrowth || growth.rssGrowth > limits.rssGrowth;
}
