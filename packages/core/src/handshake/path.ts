import type { SpryWsOptions } from "../options/options.ts";

/** Whether the option `path` covers a request target: a string covers that path and all below it, a RegExp the paths it is found in. */
export function matchesPath(paths: SpryWsOptions["path"], target: string): boolean {
  if (paths === undefined) return true;
  const url = target.startsWith("/") ? `http://host${target}` : target;
  if (!URL.canParse(url)) return true; // It is validated, and refused, later.
  const path = new URL(url).pathname;
  return ([paths].flat() as (string | RegExp)[]).some((one) => {
    if (typeof one !== "string") return path.search(one) >= 0;
    const base = one.endsWith("/") ? one : `${one}/`;
    return path === one || path.startsWith(base);
  });
}

/** A request target for a log, without the query, which may contain a token. */
export function pathOf(target = "/"): string {
  return target.split("?", 1)[0] as string;
}
