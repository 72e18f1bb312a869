import { readFileSync } from "node:fs";

/** The whole website: a fixed list, so no path that a client makes up ever becomes a file name. */
export const pages: ReadonlyMap<string, { type: string; body: string }> = new Map([
  ["/", load("index.html", "text/html; charset=utf-8")],
  ["/chat.js", load("chat.js", "text/javascript; charset=utf-8")],
]);

function load(file: string, type: string): { type: string; body: string } {
  return { type, body: readFileSync(new URL(`../public/${file}`, import.meta.url), "utf8") };
}
