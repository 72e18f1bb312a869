/** The versions of Node that servers can run on; see node-versions.mjs. */
export function byVersion<T extends { readonly node?: string }>(
  items: readonly T[],
): { readonly node: string | undefined; readonly items: T[] }[];
