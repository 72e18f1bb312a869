import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type {
  AnyUpgradeResult,
  HooksSource,
  HooksSourceInput,
  InferredContext,
  SpryWs,
  UpgradeResultOf,
} from "@spry-ws/core";
import type {
  ContextConfigDefault,
  FastifyBaseLogger,
  FastifySchema,
  FastifyTypeProvider,
  FastifyTypeProviderDefault,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerBase,
  RawServerDefault,
  RouteGenericInterface,
  RouteHandlerMethod,
} from "fastify";

/** A route handler whose types name only what it uses: so it fits every app, also one with HTTP/2 or with the user's own logger. */
export type WsHandler = (request: BareRequest, reply: BareReply) => void | Promise<void>;

interface BareRequest {
  readonly raw: IncomingMessage | Http2ServerRequest;
  readonly params: unknown;
  readonly protocol: string;
  readonly host: string;
  readonly ip: string;
  readonly log: { error(error: unknown): void };
}

interface BareReply {
  readonly raw: ServerResponse | Http2ServerResponse;
  code(status: number): unknown;
  header(name: string, value: unknown): unknown;
  send(payload?: unknown): unknown;
}

/**
 * `app.ws`, which `app.register(spryWs)` defines. Mounts hooks on a path: the same as `app.get(path, ws(hooks, fallback))`.
 *
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
 */
export type WsRoute<
  RawServer extends RawServerBase = RawServerDefault,
  RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
  RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
  Logger extends FastifyBaseLogger = FastifyBaseLogger,
  TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
> = <
  Context = InferredContext,
  Result extends AnyUpgradeResult = UpgradeResultOf<Context>,
  RouteGeneric extends RouteGenericInterface = RouteGenericInterface,
  ContextConfig = ContextConfigDefault,
  SchemaCompiler extends FastifySchema = FastifySchema,
>(
  path: string,
  hooks: HooksSourceInput<Context, Result>,
  fallback?: RouteHandlerMethod<
    RawServer,
    RawRequest,
    RawReply,
    RouteGeneric,
    ContextConfig,
    SchemaCompiler,
    TypeProvider,
    Logger
  >,
) => void;

declare module "fastify" {
  interface FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider> {
    /**
     * Mounts hooks on a path: the same as `app.get(path, ws(hooks, fallback))`. Defined by `await app.register(spryWs)`, which has to
     * come before.
     *
     * @example
     * app.ws("/chat", { message: (peer, message) => peer.send(message) });
     */
    ws: WsRoute<RawServer, RawRequest, RawReply, Logger, TypeProvider>;
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
