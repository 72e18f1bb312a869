import type { State } from "../src/protocol.ts";

export function describe({ clicks, people }: State): string {
  return `${clicks} clicks, ${people} here`;
}
