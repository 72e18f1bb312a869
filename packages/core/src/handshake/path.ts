import type { SpryWsOptions } from "../options/options.ts";

/** Whether the option `path` covers a request target: a path and all below it, or what a RegExp finds in the path. */
export function matchesPath(paths: SpryWsOptions["path"], target: string): boolean {
  if (paths === undefined) return true;
  const url = target.startsWith("/") ? `http://host${target}` : target;
  if (!URL.canParse(url)) return true; // Validation refuses it.
  const path = new URL(url).pathname;
  return ([paths].flat() as (string | RegExp)[]).some((one) => {
    if (typeof one !== "string") return path.search(one) >= 0;
    const base = one.endsWith("/") ? one : `${one}/`;
    return path === one || path.startsWith(base);
  });
}

/** A request target as it may stand in a log: a query may hold a token. */
export function pathOf(target = "/"): string {
  return target.split("?", 1)[0] as string;
}
