import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { certificate } from "../fixtures/certificate.ts";
import { freePort } from "../fixtures/free-port.ts";
import { skipped } from "../fixtures/skipped.ts";

/** Where Debian puts it is not in everybody's PATH. */
const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };

/** Why the tests with nginx cannot run; false if they can. With REQUIRE_NGINX=1 that is an error. */
export function missingNginx(): string | false {
  if (!spawnSync("nginx", ["-v"], { env }).error) return false;
  return skipped("nginx is not installed: apt-get install nginx", "REQUIRE_NGINX");
}

/** The nginx configuration of the documentation. */
export function documented(): string {
  const page = readFileSync(new URL("../../docs/guide/deployment.md", import.meta.url), "utf8");
  const [, block] = /^```nginx\n(.*?)^```$/ms.exec(page) ?? [];
  if (block === undefined) throw new Error("docs/guide/deployment.md has no nginx block");
  return block;
}

/** A running nginx that ends with the block. */
export interface Nginx extends AsyncDisposable {
  readonly port: number;
  /** Of a TLS connection to it: `wss://…`. */
  url(path: string): string;
}

/** Starts nginx with a configuration for its `http` block, in which only ports and the certificate's files are replaced. */
export async function startNginx(configuration: string, upstreamPort: number): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "spry-ws-nginx-"));
  const port = await freePort();
  const files = { crt: join(folder, "app.crt"), key: join(folder, "app.key") };
  writeFileSync(files.crt, certificate.cert);
  writeFileSync(files.key, certificate.key);
  const http = replaceAll(configuration, {
    "127.0.0.1:3000": `127.0.0.1:${upstreamPort}`,
    "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
    "/etc/ssl/app.example.crt": files.crt,
    "/etc/ssl/app.example.key": files.key,
  });
  const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; pid ${folder}/pid; error_log stderr notice; worker_processes 1; events {}
     http { access_log off; ${own.join(" ")}\n${http} }`,
  );
  const nginx = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
    env,
  });
  await started(nginx);
  return {
    port,
    url: (path) => `wss://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      nginx.kill("SIGTERM");
      if (nginx.exitCode === null) await once(nginx, "exit");
      rmSync(folder, { recursive: true });
    },
  };
}

/** Resolves when the workers run, which is when the ports are open. */
async function started(nginx: ChildProcess): Promise<void> {
  const said: string[] = [];
  for await (const line of createInterface({ input: nginx.stderr as NonNullable<typeof nginx.stderr> })) {
    if (/start worker process \d/.test(line)) {
      nginx.stderr?.resume();
      return;
    }
    said.push(line);
  }
  throw new Error(`nginx did not start:\n${said.join("\n")}`);
}

/** @throws if one of the strings is not there: the test would run something else than what is documented */
function replaceAll(text: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((replaced, [from, to]) => {
    if (!replaced.includes(from)) throw new Error(`the configuration does not contain "${from}"`);
    return replaced.replaceAll(from, to);
  }, text);
}
