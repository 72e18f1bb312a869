/**
 * @typedef {object} Block A fenced code block.
 * @property {number} line where its first line of code is, from 1
 * @property {string} language
 * @property {string} name the heading above it, with its label in a group of blocks, and a number from the second one on:
 * `Shutdown [Fastify]`, `Sessions 2`
 * @property {string[]} code its lines, without the indentation of the fence
 * @property {boolean} continues `<!-- snippet: continue -->`: it belongs to the block of the same language before it
 * @property {string | undefined} skipped the reason of `<!-- no-compile: reason -->`
 */

/** The comment above a fence, blank lines between them aside. */
const marker = /^\s*<!-- (?:snippet: (?<directive>\S+)|no-compile: (?<reason>.+)) -->\s*$/;
const opening = /^(?<indent>\s*)(?<fence>`{3,}|~{3,})(?<language>\w*)(?<label> \[.+\])?/;
const headings = /^#+ (?<text>.+?)\s*$/;

/**
 * The code blocks of a markdown file.
 *
 * @param {string} text
 * @returns {Block[]}
 */
export function blocksOf(text) {
  const blocks = [];
  const lines = text.split(/\r?\n/);
  const names = new Map();
  let heading = "";
  let above;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const fence = opening.exec(line)?.groups;
    if (!fence) {
      heading = headings.exec(line)?.groups?.text ?? heading;
      if (line.trim() !== "") above = marker.exec(line)?.groups;
      continue;
    }
    const { indent, language, label = "" } = fence;
    const start = i + 1;
    while (++i < lines.length && lines[i].trim() !== fence.fence);
    const code = lines
      .slice(start, i)
      .map((one) => (one.startsWith(indent) ? one.slice(indent.length) : one));
    if (above?.directive && above.directive !== "continue") {
      throw new Error(`line ${start}: there is no directive "${above.directive}"`);
    }
    const name = `${heading}${label}`;
    // Commands and tables stand between blocks of code, and do not count.
    const isCode = language === "ts" || language === "js";
    const count = (names.get(name) ?? 0) + Number(isCode);
    names.set(name, count);
    blocks.push({
      line: start + 1,
      language,
      name: count > 1 ? `${name} ${count}` : name,
      code,
      continues: above?.directive === "continue",
      skipped: above?.reason,
    });
    above = undefined;
  }
  return blocks;
}
