import type { HooksSource, SpryWs } from "@spry-ws/core";
import type { RouteHandlerMethod } from "fastify";

/**
 * `app.ws`, which `app.register(spryWs)` defines. Mounts hooks on a path: the same as `app.get(path, ws(hooks, fallback))`.
 *
 * @throws TypeError `SPRY_WS_HOOKS` for hooks that are none
 */
export type WsRoute = <Context>(
  path: string,
  hooks: HooksSource<Context>,
  fallback?: RouteHandlerMethod,
) => void;

declare module "fastify" {
  interface FastifyInstance {
    /**
     * Mounts hooks on a path: the same as `app.get(path, ws(hooks, fallback))`. Defined by `await app.register(spryWs)`, which has to
     * come before.
     *
     * @example
     * app.ws("/chat", { message: (peer, message) => peer.send(message) });
     */
    ws: WsRoute;
    /** The instance: peers, publish, close. */
    spryWs: SpryWs;
  }

  interface RouteShorthandOptions {
    /** Hooks for the handshakes on this route; its handler answers plain requests. */
    ws?: HooksSource;
  }

  interface RouteOptions {
    /** Hooks for the handshakes on this route; its handler answers plain requests. */
    ws?: HooksSource;
  }
}
