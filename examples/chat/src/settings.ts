import { type Framework, frameworks, type Place } from "./contract.ts";

export const displayNames: Record<Framework, string> = { express: "Express", fastify: "Fastify", koa: "Koa" };

const defaultPorts: Record<Framework, number> = { express: 3001, fastify: 3002, koa: 3003 };

const portVariables: Record<Framework, string> = {
  express: "PORT_EXPRESS",
  fastify: "PORT_FASTIFY",
  koa: "PORT_KOA",
};

/** Something the user has to put right; its message is all that is shown. */
export class SettingsError extends Error {}

/**
 * Where the three servers are to listen. The pages link to each other, so the ports have to be known beforehand: 0 (any
 * free port) is not one of them.
 *
 * @throws SettingsError
 */
export function readPlaces(env: NodeJS.ProcessEnv): Place[] {
  return frameworks.map((framework) => {
    const variable = portVariables[framework];
    const port = Number(env[variable] || defaultPorts[framework]);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new SettingsError(`${variable} must be a port from 1 to 65535, not "${env[variable]}".`);
    }
    return { framework, port };
  });
}

/** Only this computer by default; `HOST=0.0.0.0` lets in the phone on the same network. */
export function readHost(env: NodeJS.ProcessEnv): string {
  return env["HOST"] || "127.0.0.1";
}

/** How often a page hears something, in milliseconds: one that does not gives its connection up 10 seconds later. */
export function readHeartbeatMs(env: NodeJS.ProcessEnv): number {
  return Number(env["HEARTBEAT_MS"] || 25_000);
}

/** What to do about ports that could not be had. Any other error is the program's, and given back as it came. */
export function listenFailed(places: readonly Place[], error: unknown): unknown {
  const reasons: Record<string, string> = {
    EADDRINUSE: "already in use, perhaps by this chat in another terminal",
    EACCES: "not allowed for this user",
  };
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!reasons[code]) return error;
  const ports = places.map(({ port }) => port).join(", ");
  const others = places.map(({ framework, port }) => `${portVariables[framework]}=${anotherPort(port)}`);
  return new SettingsError(
    `Port ${ports}: ${reasons[code]}.\n` +
      `Choose others by writing this in front of the command: ${others.join(" ")}`,
  );
}

function anotherPort(port: number): number {
  return port < 64_000 ? port + 1_000 : port - 1_000;
}
