import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { root } from "../../docs/snippets/documents.mjs";
import { type Block, blocksOf } from "../../docs/snippets/markdown.mjs";
import { type Running, type RunOptions, run } from "./run.ts";

/** Runs the block until the end of the test, as a module of its own each time. */
export type Run = <Names extends object>(options?: RunOptions<Names>) => Promise<Running<Names>>;

type Recipe = (name: string, define: (run: Run, code: string) => void) => void;

/**
 * The tests of a page of the documentation: what its code does, not only that it compiles. Each block of code is taken by its name, which is
 * the heading above it: `Sessions`, `Shutdown [Fastify]`, `Sessions 2`. A block without a test is a test that fails.
 *
 * @param page its path from the root
 * @param define is given `recipe(name, define)`, for the tests of one block
 */
export function describePage(page: string, define: (recipe: Recipe) => void): void {
  const blocks = codeOf(page);
  const tested = new Set<string>();
  describe(page, () => {
    define((name, defineTests) => {
      const used = blocks.get(name);
      if (!used) throw new Error(`${page} has no "${name}", but: ${[...blocks.keys()].join(", ")}`);
      tested.add(name);
      describe(name, () =>
        defineTests(
          async (options) => {
            const running = await run(page, used, options);
            onTestFinished(running.stop);
            return running;
          },
          used.flatMap(({ code }) => code).join("\n"),
        ),
      );
    });
    it("has a test for each of its blocks of code", () => {
      expect([...tested].sort()).toEqual([...blocks.keys()].sort());
    });
  });
}

/** The blocks of code of a page; with each that goes on where another one ended, what it goes on from. */
function codeOf(page: string): Map<string, readonly Block[]> {
  const found = new Map<string, readonly Block[]>();
  const last = new Map<string, readonly Block[]>();
  for (const block of blocksOf(readFileSync(`${root}${page}`, "utf8"))) {
    const { language, name, continues, skipped } = block;
    if ((language !== "ts" && language !== "js") || skipped) continue;
    const blocks = [...((continues && last.get(language)) || []), block];
    found.set(name, blocks);
    last.set(language, blocks);
  }
  return found;
}
