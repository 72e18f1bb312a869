import { readFileSync } from "node:fs";

export interface Page {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const security = {
  // 'self' includes ws: of the same host and port (CSP Level 3).
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'none'; " +
    "base-uri 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-cache",
};

/** A fixed list, so no path that a client makes up ever becomes a file name. */
export const pages: ReadonlyMap<string, Page> = new Map([
  ["/", load("index.html", "text/html; charset=utf-8")],
  ["/notes.js", load("notes.js", "text/javascript; charset=utf-8")],
]);

function load(file: string, type: string): Page {
  const body = readFileSync(new URL(`../public/${file}`, import.meta.url));
  return { headers: { ...security, "Content-Type": type }, body };
}
