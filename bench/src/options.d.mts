/** The command line; see options.mjs. */
export class UsageError extends Error {}

export function parseOptions(args: readonly string[]): {
  readonly scenes: readonly { readonly name: string }[];
  readonly contestants: readonly string[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly isWhole: boolean;
};
