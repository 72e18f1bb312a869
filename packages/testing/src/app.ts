import { createServer, type RequestListener, type Server } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Server as SecureServer } from "node:https";
import { createError, describe } from "./errors.ts";

/** An Express app, which makes its server in `listen`, or any other listener for `request`: `koa.callback()`, a function. */
export interface ListenerApp {
  // `never`, because a framework's own request and response have more members than Node's.
  (request: never, response: never): unknown;
  listen?(port: number, host: string): Server;
}

/** What is used of a Fastify instance. */
export interface FastifyApp {
  readonly server: Server | SecureServer | Http2SecureServer;
  ready(): PromiseLike<unknown>;
  inject: unknown;
}

/** What is used of a Koa app. */
export interface KoaApp {
  callback(): RequestListener;
}

/** What `connect` and `refused` take. */
export type TestableApp =
  | ListenerApp
  | FastifyApp
  | KoaApp
  | Server
  | SecureServer
  | Http2SecureServer
  | URL
  | string;

/** How an app is reached: at a URL, through the user's server, or through a server that is made for it. */
export type Reach =
  | { readonly by: "url"; readonly url: URL }
  | { readonly by: "server"; readonly server: Server; readonly ready: () => PromiseLike<unknown> }
  | { readonly by: "listen"; readonly app: Required<ListenerApp> }
  | { readonly by: "listener"; readonly app: object; readonly create: () => Server };

/**
 * Tells the kinds of apps apart by their members: no framework is imported.
 *
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for what is none of them
 */
export function recognize(app: TestableApp): Reach {
  if (typeof app === "string" || app instanceof URL) {
    if (URL.canParse(String(app))) return { by: "url", url: new URL(app) };
  } else if (typeof app === "function") {
    const listener = app as ListenerApp;
    if (typeof listener.listen === "function") {
      return { by: "listen", app: listener as Required<ListenerApp> };
    }
    return { by: "listener", app, create: () => createServer(listener as RequestListener) };
  } else if (typeof app === "object" && app !== null) {
    if ("inject" in app && "ready" in app && isServer(app.server)) {
      return { by: "server", server: app.server, ready: () => app.ready() };
    }
    if ("callback" in app && typeof app.callback === "function") {
      return { by: "listener", app, create: () => createServer(app.callback()) };
    }
    if (isServer(app)) return { by: "server", server: app, ready: () => Promise.resolve() };
  }
  throw createError(
    "SPRY_WS_TEST_ARGUMENT",
    "connect(app, path) and refused(app, path) take an Express, Fastify or Koa app, a listener for requests, " +
      `an http.Server or https.Server, or a URL, not ${describe(app)}`,
  );
}

function isServer(value: unknown): value is Server {
  const server = value as Partial<Server> | null | undefined;
  return typeof server?.emit === "function" && typeof server.address === "function";
}
