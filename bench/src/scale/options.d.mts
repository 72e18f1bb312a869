/** The command line of `pnpm bench:scale`; see options.mjs. */
export function parseScaleOptions(
  args: readonly string[],
  openFiles: number,
): { readonly connections: number; readonly note?: string };

export function spread(
  connections: number,
  atMost: number,
): { readonly address: string; readonly count: number }[];
