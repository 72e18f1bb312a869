import type { IncomingMessage } from "node:http";
import { type ClientOptions, WebSocket } from "ws";
import type { TestableApp } from "./app.ts";
import { TestClient } from "./client.ts";
import { longestTimerMs, within } from "./clock.ts";
import { createError, describe, reasonOf } from "./errors.ts";
import { HookWatch } from "./hook-errors.ts";
import { openRoute, type Route } from "./host.ts";
import { assertOptions } from "./options.ts";
import { type RefusedHandshake, readHeaders, readRefusedHandshake } from "./refused-handshake.ts";

/** How to connect. */
export interface ConnectOptions {
  /** Headers of the handshake: an object, `Headers`, or pairs. @default none but those of the handshake itself */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  /** The subprotocols that are offered, in the order of preference. @default none */
  readonly protocols?: string | readonly string[];
  /**
   * How long each wait may take, in milliseconds: for the handshake, for a message, for `closed`, and for the answer to a close frame.
   * 0: for ever. The default is less than the 5 seconds after which vitest and jest give up, whose error would not say what had come.
   *
   * @default 4_000 // 4 seconds
   */
  readonly timeoutMs?: number;
  /** Whether to connect through a port of 127.0.0.1 to an app that can be reached in memory. @default false */
  readonly loopback?: boolean;
  /** Options for the `WebSocket` of `ws`: `perMessageDeflate`, `ca`, `cert`, … @default `{ perMessageDeflate: false }` */
  readonly websocket?: ClientOptions;
}

/** How a handshake ended. */
export type Outcome =
  | { readonly client: TestClient; readonly refusal?: undefined; readonly cause?: undefined }
  | { readonly client?: undefined; readonly refusal: RefusedHandshake; readonly cause?: unknown };

const defaultTimeoutMs = 4_000;
const optionNames = ["headers", "protocols", "timeoutMs", "loopback", "websocket"];

/**
 * Performs an opening handshake.
 *
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for arguments no handshake can be made of
 * @throws Error `SPRY_WS_TEST_TIMEOUT` if no answer comes in time, `SPRY_WS_TEST_HANDSHAKE` if the answer is not valid
 */
export async function performHandshake(
  app: TestableApp,
  path: string | undefined,
  options: ConnectOptions = {},
): Promise<Outcome> {
  assertPath(path);
  assertOptions(options, optionNames, "connect(app, path, options) and refused(app, path, options)");
  const { timeoutMs = defaultTimeoutMs, loopback = false } = options;
  const route = await openRoute(app, loopback);
  const url = resolvePath(route.url, path);
  const request = `GET ${path ?? `${url.pathname}${url.search}`}`;
  const hooks = new HookWatch();
  const leave = () => {
    hooks.stop();
    return route.leave();
  };
  let websocket: WebSocket;
  try {
    websocket = new WebSocket(
      url,
      [options.protocols ?? []].flat(),
      clientOptions(route, options, timeoutMs, hooks),
    );
  } catch (cause) {
    await leave();
    throw createError("SPRY_WS_TEST_ARGUMENT", `${request}: ${(cause as Error).message}`, { cause });
  }
  let outcome: Outcome | undefined;
  const answer = waitForAnswer(websocket, (response) => {
    const headers = readHeaders(response);
    return new TestClient({ websocket, headers, timeoutMs, request, hooks, leave });
  }).then((result) => {
    outcome = result;
  });
  let cause: unknown;
  const isInTime = await within(answer, timeoutMs).catch((error: unknown) => {
    cause = error;
  });
  if (outcome?.client) return outcome;
  // The connection is not open: destroys what is left of it, and closes what was opened for it.
  websocket.terminate();
  await leave();
  if (outcome) return { refusal: outcome.refusal, cause: hooks.error };
  if (isInTime === false) {
    throw createError(
      "SPRY_WS_TEST_TIMEOUT",
      `${request}: the handshake was not answered within ${timeoutMs} ms`,
    );
  }
  const text = `${request}: the handshake failed: ${reasonOf(cause)}`;
  throw createError("SPRY_WS_TEST_HANDSHAKE", text, { cause });
}

/** Rejects if no valid answer comes. The client is made as soon as the 101 is there, before the first message can come. */
function waitForAnswer(
  websocket: WebSocket,
  createClient: (response: IncomingMessage) => TestClient,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let client: TestClient;
    websocket.on("upgrade", (response) => {
      client = createClient(response);
    });
    websocket.on("open", () => resolve({ client }));
    websocket.on("unexpected-response", (_request, response) => {
      readRefusedHandshake(response).then((refusal) => resolve({ refusal }), reject);
    });
    websocket.on("error", reject);
  });
}

/** Without a path the URL is taken as it is. */
function resolvePath(base: URL, path: string | undefined): URL {
  if (path === undefined) return base;
  if (base.protocol === "ws+unix:") return new URL(`ws+unix://${base.pathname.split(":", 1)[0]}:${path}`);
  const url = new URL(base);
  const [pathname = "/", ...query] = path.split("?");
  url.pathname = pathname;
  url.search = query.join("?");
  return url;
}

function clientOptions(
  route: Route,
  options: ConnectOptions,
  timeoutMs: number,
  hooks: HookWatch,
): ClientOptions {
  const finishRequest: ClientOptions["finishRequest"] = (request, websocket) => {
    hooks.start(String(request.getHeader("sec-websocket-key")));
    if (options.websocket?.finishRequest) options.websocket.finishRequest(request, websocket);
    else request.end();
  };
  return {
    perMessageDeflate: false,
    ...(timeoutMs > 0 && { closeTimeout: Math.min(timeoutMs, longestTimerMs) }),
    ...(route.isOwnServer && { rejectUnauthorized: false }),
    ...(route.createConnection && { createConnection: route.createConnection }),
    ...options.websocket,
    finishRequest,
    headers: { ...options.websocket?.headers, ...Object.fromEntries(new Headers(options.headers)) },
  } as ClientOptions;
}

function assertPath(path: unknown): void {
  if (path === undefined || (typeof path === "string" && path.startsWith("/"))) return;
  throw createError(
    "SPRY_WS_TEST_ARGUMENT",
    typeof path === "string"
      ? `a path begins with "/", which ${JSON.stringify(path)} does not`
      : `connect(app, path, options) and refused(app, path, options) take a string as path, not ${describe(path)}`,
  );
}
