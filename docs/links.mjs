/**
 * Checks the links of the built site down to their anchors, which vitepress does not, and the relative links of the READMEs.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { documents, root } from "./snippets/documents.mjs";

const dist = fileURLToPath(new URL(".vitepress/dist/", import.meta.url));
const base = process.env.DOCS_BASE ?? "/";

/** Each page's path without `.html`, with its text and what can be linked to in it. */
const pages = new Map(
  readdirSync(dist, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".html"))
    .map((path) => {
      const html = readFileSync(join(dist, path), "utf8");
      const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => decodeEntities(id)));
      return [`/${path.replaceAll("\\", "/").replace(/(?:index)?\.html$/, "")}`, { html, ids }];
    }),
);

const errors = [];

for (const [page, { html }] of pages) {
  for (const [, href] of html.matchAll(/<a\s[^>]*?href="([^"]+)"/g)) {
    if (/^[a-z]+:/i.test(href)) continue;
    const { pathname, hash } = new URL(decodeEntities(href), `http://site${page}`);
    const path = decodeURI(pathname)
      .replace(base, "/")
      .replace(/(?:index)?\.html$/, "");
    const target = pages.get(path);
    if (!target) {
      if (!existsSync(join(dist, path))) errors.push(`${page}: there is no ${path}`);
    } else if (hash && !target.ids.has(decodeURIComponent(hash.slice(1)))) {
      errors.push(`${page}: ${path} has no ${hash}`);
    }
  }
}

for (const document of documents().filter((path) => !path.startsWith("docs/"))) {
  const text = readFileSync(join(root, document), "utf8").replaceAll(/^```.*?^```/gms, "");
  for (const [, link] of text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
    if (/^[a-z]+:/i.test(link)) continue;
    const path = posix.join(dirname(document), link);
    if (!existsSync(join(root, path))) errors.push(`${document}: there is no ${path}`);
  }
}

/** @param {string} text an attribute's value */
function decodeEntities(text) {
  return text.replaceAll("&amp;", "&").replaceAll("&#39;", "'").replaceAll("&quot;", '"');
}

for (const error of new Set(errors)) console.error(error);
console.log(`links of ${pages.size} pages checked, ${errors.length} errors`);
process.exitCode = errors.length > 0 ? 1 : 0;
