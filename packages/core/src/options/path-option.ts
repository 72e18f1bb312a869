/** What a router would take for a parameter or a wildcard. */
const pattern = /\/:|[*{}]/;

/**
 * A path as it stands in a request, percent-encoded: `/chät` is `/ch%C3%A4t` there, and would equal no path.
 *
 * @returns undefined for what can be no path as a whole: one that does not begin with "/", with parameters, with a query
 */
export function toRequestPath(path: string): string | undefined {
  if (!path.startsWith("/") || pattern.test(path) || /[?#]/.test(path)) return undefined;
  return new URL(`http://host${path}`).pathname;
}
