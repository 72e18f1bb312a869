import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

export interface Page {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

const publicFiles = new URL("../public/", import.meta.url);

/**
 * What the page is made of: its files, its own modules, and those of the two packages it imports, which browsers can load as they
 * are. The import map in index.html says where they are: a page of your own may use a bundler in place of that.
 */
const folders: Record<string, URL> = {
  "/": publicFiles,
  "/page/": new URL("page/", import.meta.url),
  "/client/": new URL("esm/", import.meta.resolve("@spry-ws/client/package.json")),
  "/contract/": new URL("esm/", import.meta.resolve("@spry-ws/contract/package.json")),
};

const importMap = /<script type="importmap">(.*?)<\/script>/s.exec(
  readFileSync(new URL("index.html", publicFiles), "utf8"),
)?.[1];
const importMapHash = createHash("sha256")
  .update(importMap ?? "")
  .digest("base64");

const security = {
  // Everything the page needs comes from its own server, or stands in it: the import map. 'self' includes ws: of the same host and
  // port (CSP Level 3).
  "Content-Security-Policy":
    `default-src 'none'; script-src 'self' 'sha256-${importMapHash}'; style-src 'self'; connect-src 'self'; img-src data:; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-cache",
};

/** The whole website, read when it starts: no path that a client makes up ever becomes a file name. */
export const pages: ReadonlyMap<string, Page> = new Map(
  Object.entries(folders).flatMap(([path, folder]) =>
    readdirSync(folder).flatMap((file): [string, Page][] => {
      const type = types[file.split(".").pop() ?? ""];
      if (!type) return [];
      const body = readFileSync(new URL(file, folder));
      const headers = { ...security, "Content-Type": type };
      return [[file === "index.html" ? path : path + file, { headers, body }]];
    }),
  ),
);
