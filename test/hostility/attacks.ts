import fc from "fast-check";
import type { Attack, Step } from "./attack.ts";
import { frameKinds } from "./attack-kinds-frames.ts";
import { httpKinds } from "./attack-kinds-http.ts";
import { liveKinds } from "./attack-kinds-live.ts";

const kinds: readonly [name: string, steps: fc.Arbitrary<Step[]>][] = [
  ...Object.entries(httpKinds),
  ...Object.entries(frameKinds),
  ...Object.entries(liveKinds),
];

/** The attack that a seed and an index always make. The kinds take turns, so that each has its share of a short run. */
export function attackOf(seed: number, index: number): Attack {
  const [kind, arbitrary] = kinds[index % kinds.length] as (typeof kinds)[number];
  const [steps = []] = fc.sample(arbitrary, { seed: seed + index, numRuns: 1 });
  return { index, kind, steps };
}
