import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

/** A file of a website, as it is answered. */
export interface Page {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** Settings of `createPages`. */
export interface PagesOptions {
  /** Who answers: `/where` tells it, with the number of the process, to the panel of pages whose route is a raw one. */
  readonly name?: string;
  /** Sources that a page may connect to besides its own server, for its Content-Security-Policy. */
  readonly connectTo?: readonly string[];
}

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** What every page may load: the style and the panel that all examples share, and the modules of the client, which browsers can load as they are. */
const shared: Readonly<Record<string, URL>> = {
  "/shared/": new URL("../public/", import.meta.url),
  "/client/": new URL("esm/", import.meta.resolve("@spry-ws/client/package.json")),
  "/contract/": new URL("esm/", import.meta.resolve("@spry-ws/contract/package.json")),
};

/** Says where the browser finds the packages that modules import. A page of your own may have a bundler in place of that. */
const importMap: string = JSON.stringify({
  imports: {
    "@spry-ws/client": "/client/index.js",
    "@spry-ws/contract": "/contract/index.js",
    "@spry-ws/contract/wire": "/contract/wire.js",
    "@spry-ws/example-page/panel.js": "/shared/panel.js",
  },
});
/** In the head of every page: the import map, the icon, and the style. */
export const head: string = `<link rel="icon" href="/shared/favicon.svg">
    <link rel="stylesheet" href="/shared/base.css">
    <script type="importmap">${importMap}</script>`;
const importMapHash = createHash("sha256").update(importMap).digest("base64");

/** The headers of a page, and of its files. */
export function pageHeaders({ connectTo = [] }: PagesOptions = {}): Record<string, string> {
  return {
    // Everything comes from the page's own server, or stands in it: the import map. 'self' includes ws: of the same host and port (CSP
    // Level 3).
    "Content-Security-Policy":
      `default-src 'none'; script-src 'self' 'sha256-${importMapHash}'; style-src 'self'; img-src 'self'; ` +
      `connect-src ${["'self'", ...connectTo].join(" ")}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
  };
}

/**
 * A whole website, read when it starts: no path that a client makes up ever becomes a file name. In each page `<!-- head -->` becomes
 * what all pages have there.
 *
 * @param folders by their paths on the website: `{ "/": new URL("../public/", import.meta.url) }`
 */
export function createPages(
  folders: Readonly<Record<string, URL>>,
  options: PagesOptions = {},
): ReadonlyMap<string, Page> {
  const headers = pageHeaders(options);
  const where: [string, Page][] = options.name
    ? [
        [
          "/where",
          { headers: { ...headers, "Content-Type": "text/plain" }, body: Buffer.from(whereOf(options.name)) },
        ],
      ]
    : [];
  const files = Object.entries({ ...shared, ...folders }).flatMap(([path, folder]) =>
    readdirSync(folder).flatMap((file): [string, Page][] => {
      const type = types[file.split(".").pop() ?? ""];
      if (!type) return [];
      const bytes = readFileSync(new URL(file, folder));
      const isPage = file.endsWith(".html");
      const body = isPage ? Buffer.from(bytes.toString().replace("<!-- head -->", head)) : bytes;
      const name = file === "index.html" ? path : path + file;
      return [[name, { headers: { ...headers, "Content-Type": type }, body }]];
    }),
  );
  return new Map([...where, ...files]);
}

/** What `/where` says. */
export function whereOf(name: string): string {
  return `${name}, process ${process.pid}`;
}
