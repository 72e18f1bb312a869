// Compares the public API of every published package with its `*.api.md`, so that no change of it goes unseen:
// `pnpm check:api`. With `--update` (`pnpm api`) it writes them; the diff is then part of the review.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";

const update = process.argv.includes("--update");
const packages = fileURLToPath(new URL("../../packages/", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "spry-ws-api-"));
const silent = { default: { logLevel: "none" } };

let changed = 0;
for (const name of readdirSync(packages)) {
  const folder = join(packages, name);
  if (!existsSync(join(folder, "package.json"))) continue;
  for (const [entry, types] of entries(folder)) changed += report(folder, entry, types) ? 0 : 1;
}
rmSync(temporary, { recursive: true });
if (changed > 0 && !update) {
  console.error("If the change is meant: pnpm api, and a changeset.");
  process.exitCode = 1;
}

/** What `exports` offers, by the name of its report: `core` for the package itself, `core-adapter` for `/adapter`. */
function entries(folder) {
  const { publishConfig } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.entries(publishConfig.exports)
    .filter(([, target]) => target.default?.types)
    .map(
      ([
        path,
        {
          default: { types },
        },
      ]) => [[basename(folder), ...path.split("/").slice(1)].join("-"), types],
    );
}

/** Whether the API is what the report says. */
function report(folder, entry, types) {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, types),
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "es2022",
            lib: ["es2023"],
            module: "nodenext",
            moduleResolution: "nodenext",
            strict: true,
            skipLibCheck: true,
            types: ["node"],
            noEmit: true,
          },
          include: [join(folder, "dist")],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: entry,
        reportFolder: folder,
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
        compilerMessageReporting: { default: { logLevel: "error" } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
  });
  const { apiReportChanged, succeeded } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === "error") console.error(message.text);
    },
  });
  const file = `${folder.slice(packages.length)}/${entry}.api.md`;
  if (apiReportChanged) console.log(`${update ? "written" : "CHANGED"}  ${file}`);
  else console.log(`same     ${file}`);
  return succeeded && !apiReportChanged;
}
