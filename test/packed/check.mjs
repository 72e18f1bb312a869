// Installs the packed tarballs into empty projects, as a user would, and runs the README's example there: with `import`, with
// `require`, and compiled by TypeScript under `strict`; then what projects.mjs has. Run by `pnpm check:packed` after a build.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack, root, run } from "./pack.mjs";
import { checkProjects } from "./projects.mjs";

const work = mkdtempSync(join(tmpdir(), "spry-ws-packed-"));

const frameworks = {
  express: {
    install: ["express", "@types/express"],
    serve: `import express from "express";
import { spryWs } from "@spry-ws/express";
const app = express();
app.use(spryWs());
app.ws("/chat", chat);
const server = app.listen(0, "127.0.0.1", () => ready(server));
`,
  },
  fastify: {
    install: ["fastify"],
    serve: `import Fastify from "fastify";
import { spryWs } from "@spry-ws/fastify";
const app = Fastify();
app.register(spryWs).after(() => {
  app.ws("/chat", chat);
});
app.listen({ port: 0, host: "127.0.0.1" }).then(() => ready(app.server));
`,
  },
  koa: {
    install: ["koa", "@types/koa"],
    serve: `import Koa from "koa";
import { spryWs, ws } from "@spry-ws/koa";
const app = new Koa();
app.use(spryWs());
app.use(ws("/chat", chat));
const server = app.listen(0, "127.0.0.1", () => ready(server));
`,
  },
};

const client = `import { WebSocket } from "ws";
function ready(server /*: import("node:net").Server */) {
  const address = server.address() /*! as import("node:net").AddressInfo */;
  const socket = new WebSocket(\`ws://127.0.0.1:\${address.port}/chat\`);
  socket.on("open", () => socket.send("ping"));
  socket.on("message", (data) => {
    console.log(\`got \${data}\`);
    socket.close();
  });
  socket.on("close", () => setImmediate(() => process.exit(0)));
}
`;

/** The seed example, word for word. */
const [, seed] = /```ts\n(.*?)```/s.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];

let passed = 0;
try {
  const tarballs = pack(work);
  for (const [name, { install, serve }] of Object.entries(frameworks)) {
    const folder = join(work, name);
    mkdirSync(folder);
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: `uses-${name}`, private: true, type: "module" }),
    );
    const own = [tarballs.core, tarballs[name]].filter(Boolean);
    run(
      "npm",
      [
        "install",
        "--no-audit",
        "--no-fund",
        "--silent",
        ...own,
        ...install,
        "typescript@5.9",
        "@types/node@20",
      ],
      folder,
    );
    const program = `${seed?.replaceAll("@spry-ws/express", `@spry-ws/${name}`)}\n${serve}\n${client}`;
    const javascript = program.replaceAll(/\/\*[:!].*?\*\//g, "");

    writeFileSync(join(folder, "import.js"), javascript);
    await expectPong(folder, "import.js", `${name}: import`);

    writeFileSync(join(folder, "require.cjs"), toCommonJs(javascript));
    await expectPong(folder, "require.cjs", `${name}: require`);

    writeFileSync(
      join(folder, "typed.ts"),
      program.replaceAll(/\/\*[:!](.*?)\*\//g, (text, type) => (text[2] === ":" ? `:${type}` : type)),
    );
    run(
      "npx",
      ["tsc", "--strict", "--module", "nodenext", "--target", "es2022", "--outDir", "out", "typed.ts"],
      folder,
    );
    await expectPong(folder, "out/typed.js", `${name}: TypeScript, strict`);
  }
  checkProjects(work, tarballs, pass);
  console.log(`${passed} passed, 0 failed`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function toCommonJs(text) {
  return text
    .replaceAll(/^import \{(.*)\} from (".*?");.*$/gm, "const {$1} = require($2);")
    .replaceAll(/^import (\w+) from (".*?");$/gm, "const $1 = require($2);");
}

async function expectPong(folder, file, what) {
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const [code] = await once(child, "close");
  const expected = [
    "[WS] upgrading http://127.0.0.1:",
    "[WS] open: 127.0.0.1:",
    "got pong",
    "[WS] close(1005) - ",
  ];
  const missing = expected.find((text) => !output.includes(text));
  if (code !== 0 || missing) throw new Error(`${what}: exit code ${code}, missing ${missing}\n${output}`);
  pass(what);
}

function pass(what) {
  passed++;
  console.log(`ok ${what}`);
}
