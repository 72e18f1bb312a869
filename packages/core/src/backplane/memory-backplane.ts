import type { Backplane } from "../backplane.ts";
import { Hub, joinHub } from "./hub.ts";

/**
 * Joins instances within one process: for tests of an app that will run in several, or for two frameworks in one process. Give
 * the same backplane to each instance.
 *
 * @example
 * const backplane = memoryBackplane();
 * const one = createSpryWs({ backplane });
 * const other = createSpryWs({ backplane });
 */
export function memoryBackplane(): Backplane {
  const hub = new Hub();
  return { name: "memory", open: (events) => joinHub(hub, events) };
}
