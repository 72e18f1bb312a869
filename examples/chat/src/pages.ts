import { readFileSync } from "node:fs";

export interface Page {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const security = {
  // Everything the page needs comes from its own server. 'self' includes ws: of the same host and port (CSP Level 3).
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-cache",
};

const html = "text/html; charset=utf-8";
const css = "text/css; charset=utf-8";
const javascript = "text/javascript; charset=utf-8";

/** The whole website: a fixed list, so no path that a client makes up ever becomes a file name. */
export const pages: ReadonlyMap<string, Page> = new Map([
  ["/", load("index.html", html)],
  ["/base.css", load("base.css", css)],
  ["/page.css", load("page.css", css)],
  ["/messages.css", load("messages.css", css)],
  ["/chat.js", load("chat.js", javascript)],
  ["/connection.js", load("connection.js", javascript)],
  ["/identity.js", load("identity.js", javascript)],
  ["/messages.js", load("messages.js", javascript)],
  ["/outbox.js", load("outbox.js", javascript)],
]);

function load(file: string, type: string): Page {
  const body = readFileSync(new URL(`../public/${file}`, import.meta.url));
  return { headers: { ...security, "Content-Type": type }, body };
}
