import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { documents, root } from "../../docs/snippets/documents.mjs";
import { blocksOf } from "../../docs/snippets/markdown.mjs";

it("tests every page that has code", () => {
  const withCode = documents().filter((page) =>
    blocksOf(readFileSync(`${root}${page}`, "utf8")).some(
      ({ language }) => language === "ts" || language === "js",
    ),
  );
  const tested = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => readFileSync(`${import.meta.dirname}/${file}`, "utf8"))
    .flatMap((source) => [...source.matchAll(/^describePage\("([^"]+)"/gm)].map(([, page]) => page));
  expect(tested.sort()).toEqual(withCode.sort());
});
