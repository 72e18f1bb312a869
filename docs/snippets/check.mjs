/**
 * Type-checks the code of the documentation: every `ts` block (Node) and `js` block (browser) of the READMEs and of the site is a
 * module of its own, and what `sh` blocks run of this repository must exist. `pnpm check:snippets`.
 *
 * A block that goes on where the one before it on the page ended has `<!-- snippet: continue -->` above it; one that cannot be
 * compiled has `<!-- no-compile: reason -->`, where the reason may be `until path`, and no longer holds when there is that path. Names of the reader's own app (`app`, `requireUser`) are declared in `ambient/`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandErrors } from "./commands.mjs";
import { compile } from "./compile.mjs";
import { documents, root } from "./documents.mjs";
import { blocksOf } from "./markdown.mjs";

/** @type {import("./compile.mjs").Module[]} */
const modules = [];
const errors = [];
const skipped = [];

for (const document of documents()) {
  /** @type {Map<string, import("./compile.mjs").Module>} */
  const last = new Map();
  for (const block of blocksOf(readFileSync(join(root, document), "utf8"))) {
    const { language, line, skipped: reason, continues } = block;
    if (language === "sh") errors.push(...commandErrors(document, block));
    if (language !== "ts" && language !== "js") continue;
    if (reason) {
      const [, awaited] = /^until (\S+)/.exec(reason) ?? [];
      if (awaited && existsSync(join(root, awaited)))
        errors.push(`${document}:${line}: error: ${awaited} is there, compile this block`);
      skipped.push(`${document}:${line}: ${reason}`);
      continue;
    }
    const before = last.get(language);
    if (continues && before) {
      before.blocks.push(block);
    } else {
      const module = { document, blocks: [block] };
      modules.push(module);
      last.set(language, module);
    }
  }
}

errors.push(...compile(modules));
for (const line of skipped) console.log(`not compiled  ${line}`);
for (const line of errors) console.error(line);
console.log(`${modules.length} snippets compiled, ${skipped.length} not, ${errors.length} errors`);
process.exitCode = errors.length > 0 ? 1 : 0;
