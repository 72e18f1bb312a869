/** Parts of a path that a router would take for a parameter or a wildcard. */
const pattern = /\/:|[*{}]/;

/**
 * A path as it stands in a request, percent-encoded: `/chät` is `/ch%C3%A4t` there.
 *
 * @returns undefined for what cannot be the path of a request: it does not begin with "/", has parameters, or has a query
 */
export function toRequestPath(path: string): string | undefined {
  if (!path.startsWith("/") || pattern.test(path) || /[?#]/.test(path)) return undefined;
  return new URL(`http://host${path}`).pathname;
}
