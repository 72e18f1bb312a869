import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";

const security = {
  // 'self' includes ws: of the same host and port (CSP Level 3).
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; " +
    "base-uri 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-cache",
};

/** A fixed list, so no path that a client makes up ever becomes a file name. */
const pages = new Map([
  ["/", load("index.html", "text/html; charset=utf-8")],
  ["/ask.js", load("ask.js", "text/javascript; charset=utf-8")],
  ["/ask.css", load("ask.css", "text/css; charset=utf-8")],
]);

export function servePage(request: IncomingMessage, response: ServerResponse): void {
  const page = pages.get(request.url ?? "");
  if (!page) response.writeHead(404).end();
  else if (request.method !== "GET" && request.method !== "HEAD")
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
  else response.writeHead(200, page.headers).end(page.body);
}

function load(file: string, type: string): { headers: Record<string, string | number>; body: Buffer } {
  const body = readFileSync(new URL(`../public/${file}`, import.meta.url));
  return { headers: { ...security, "Content-Type": type, "Content-Length": body.length }, body };
}
