// What a page loads of the client: bundled from the packed tarballs as a bundler for browsers does it, minified, compressed with
// gzip. Fails where it is more than the bounds below.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { pack, run } from "./pack.mjs";

/** In bytes. */
const bounds = { ReconnectingSocket: 2_200, connect: 7_050 };

const work = mkdtempSync(join(tmpdir(), "spry-ws-bundle-"));
try {
  const tarballs = pack(work);
  const folder = join(work, "page");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "page", private: true, type: "module" }),
  );
  run(
    "npm",
    [
      "install",
      "--legacy-peer-deps",
      "--no-audit",
      "--no-fund",
      "--silent",
      tarballs.contract,
      tarballs.client,
    ],
    folder,
  );
  for (const [name, bound] of Object.entries(bounds)) {
    const input = join(folder, `${name}.js`);
    writeFileSync(input, `import { ${name} } from "@spry-ws/client";\nglobalThis.used = ${name};\n`);
    const bundle = await rolldown({ input, platform: "browser", logLevel: "silent" });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    const { length } = gzipSync(output[0].code, { level: 9 });
    const isSmall = length <= bound;
    console.log(`${isSmall ? "ok" : "TOO LARGE"} ${name}: ${length} bytes, of ${bound}`);
    if (!isSmall) process.exitCode = 1;
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
