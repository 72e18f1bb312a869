// The packed tarballs in projects of every kind, each with the tools its users have: a framework's tests in Jest, vitest and
// node:test, a project that uses both doors at once, and TypeScript with each way it resolves modules.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./pack.mjs";

const sources = join(dirname(fileURLToPath(import.meta.url)), "projects");

/** What TypeScript is told, and the `type` of the package that it is told in. */
const resolutions = [
  { name: "node10", type: "commonjs", options: ["--module", "commonjs", "--moduleResolution", "node10"] },
  { name: "node16, CommonJS", type: "commonjs", options: ["--module", "node16"] },
  { name: "node16, ES modules", type: "module", options: ["--module", "node16"] },
  { name: "nodenext, CommonJS", type: "commonjs", options: ["--module", "nodenext"] },
  { name: "nodenext, ES modules", type: "module", options: ["--module", "nodenext"] },
  { name: "bundler", type: "module", options: ["--module", "esnext", "--moduleResolution", "bundler"] },
];

/**
 * @param {string} work where the projects are made
 * @param {Record<string, string>} tarballs by the names of the packages
 * @param {(name: string) => void} passed told of each project that works
 */
export function checkProjects(work, tarballs, passed) {
  const folder = join(work, "projects");
  mkdirSync(folder);
  writePackage(folder, "commonjs");
  const typescripts = { typescript: "5.9", typescript54: "5.4", typescript6: "6.0", typescript7: "7.0" };
  const tools = [
    "jest@30",
    "vitest@4",
    "@types/node@20",
    "@types/express",
    "@types/koa",
    // The peer dependency of @spry-ws/nats, which loads it; peers are not installed by themselves here.
    "@nats-io/transport-node@3",
    ...Object.entries(typescripts).map(([name, version]) => `${name}@npm:typescript@${version}`),
  ];
  const frameworks = ["express", "fastify", "koa"];
  run(
    "npm",
    [
      "install",
      "--no-audit",
      "--no-fund",
      "--silent",
      "--legacy-peer-deps",
      ...Object.values(tarballs),
      ...frameworks,
      ...tools,
    ],
    folder,
  );
  cpSync(sources, folder, { recursive: true });

  run("npx", ["jest", "jest/"], folder);
  passed("Jest without configuration");
  run("npx", ["vitest", "run", "vitest/"], folder);
  passed("vitest");
  run("node", ["--test", "node-test/echo.test.mjs"], folder);
  passed("node:test");
  run("node", ["--test", "mixed/mixed.test.mjs"], folder);
  passed("both doors in one project");

  for (const [index, { name, type, options }] of resolutions.entries()) {
    const out = join("typescript", `out-${index}`);
    writePackage(join(folder, "typescript"), type);
    run(
      "npx",
      [
        "tsc",
        "--strict",
        "--target",
        "es2022",
        "--esModuleInterop",
        "--types",
        "node",
        ...options,
        "--outDir",
        out,
        "typescript/app.ts",
      ],
      folder,
    );
    const output = run("node", [join(out, "app.js")], folder);
    if (!output.includes("got ada: hello")) throw new Error(`TypeScript ${name}: ${output}`);
    passed(`TypeScript, ${name}`);
  }

  writePackage(join(folder, "typescript"), "module");
  for (const [name, version] of Object.entries(typescripts)) {
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"];
    const libraries = ["--lib", "es2022,esnext.disposable", "--types", "node"];
    const compiler = join("node_modules", name, "bin", "tsc");
    run("node", [compiler, ...options, ...libraries, "typescript/types.ts"], folder);
    passed(`the types that are inferred, TypeScript ${version}`);
  }
}

function writePackage(folder, type) {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-project", private: true, type }));
}
