// How large each published package is, and what installing it brings along: `pnpm sizes` writes docs/reference/sizes.md.
// With `--check` it compares instead, so that a package that has grown by more than a tenth, and more than 2 KiB, is seen in
// review.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack, root, run } from "./pack.mjs";

const tolerance = { share: 0.1, kib: 2 };
const target = join(root, "docs/reference/sizes.md");
const work = mkdtempSync(join(tmpdir(), "spry-ws-sizes-"));

try {
  const measured = measure();
  if (process.argv.includes("--check")) compare(measured);
  else write(measured);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** @returns {Map<string, { tarball: number, footprint: number, packages: number }>} sizes in bytes */
function measure() {
  const tarballs = pack(work);
  const sizes = new Map();
  for (const [name, tarball] of Object.entries(tarballs)) {
    const folder = join(work, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: `uses-${name}`, private: true }));
    const own = [tarball, ...ownDependencies(name).map((other) => tarballs[other])];
    // Peers are the frameworks and clients that the app has already.
    run(
      "npm",
      ["install", "--omit=peer", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent", ...own],
      folder,
    );
    const modules = join(folder, "node_modules");
    const files = readdirSync(modules, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    sizes.set(`@spry-ws/${name}`, {
      tarball: statSync(tarball).size,
      footprint: files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0),
      packages: files.filter((file) => file.name === "package.json" && isPackage(file.parentPath, modules))
        .length,
    });
  }
  return sizes;
}

/** The packages of this repository that a package needs, and what these need. */
function ownDependencies(name) {
  const { dependencies = {} } = JSON.parse(
    readFileSync(join(root, "packages", name, "package.json"), "utf8"),
  );
  const direct = Object.keys(dependencies)
    .filter((one) => one.startsWith("@spry-ws/"))
    .map((one) => one.slice("@spry-ws/".length));
  return [...new Set([...direct, ...direct.flatMap(ownDependencies)])];
}

function isPackage(folder, modules) {
  const path = folder.slice(modules.length + 1);
  return /^(@[^/]+\/)?[^/@]+$/.test(path);
}

function write(sizes) {
  const rows = [...sizes].map(
    ([name, { tarball, footprint, packages }]) =>
      `| \`${name}\` | ${kib(tarball)} | ${kib(footprint)} | ${packages} |`,
  );
  writeFileSync(
    target,
    `# Sizes

Written by \`pnpm sizes\`. The tarball is what npm downloads for the package itself. Installed is all that comes with it into an
app that has its framework or client already: mostly the types of Node (\`@types/node\`, through \`@types/ws\`), which a
TypeScript project has anyway.

| package | tarball | installed | packages |
|---|---|---|---|
${rows.join("\n")}
`,
  );
  console.log(`written: ${target}`);
}

function compare(sizes) {
  const text = existsSync(target) ? readFileSync(target, "utf8") : "";
  for (const [name, { tarball }] of sizes) {
    const [, written] = new RegExp(`\`${name}\` \\| ([\\d.]+) KiB`).exec(text) ?? [];
    const difference = Math.abs(tarball / 1024 - Number(written));
    const isSame = difference <= Math.max(tolerance.kib, tolerance.share * Number(written));
    console.log(`${isSame ? "ok" : "CHANGED"} ${name}: ${kib(tarball)}`);
    if (!isSame) process.exitCode = 1;
  }
  if (process.exitCode) console.error("If that is meant: pnpm sizes");
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
