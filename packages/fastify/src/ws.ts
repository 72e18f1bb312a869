import { Readable } from "node:stream";
import type {
  AnyUpgradeResult,
  Event,
  HooksSource,
  HooksSourceInput,
  InferredContext,
  UpgradeResultOf,
} from "@spry-ws/core";
import {
  type Adapter,
  defineRoute,
  describesBody,
  type Refusal,
  type RouteInfo,
  type RouteSteps,
  useNative,
} from "@spry-ws/core/adapter";
import type {
  ContextConfigDefault,
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
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
import type { WsHandler } from "./types.ts";

/**
 * A route handler that makes each handshake a WebSocket. Hooks and schemas of the route run as for any GET. A plain request goes to
 * `fallback`; without one it is answered with 426.
 *
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
 * @example
 * app.get("/:room", { preHandler: requireUser }, ws(chat));
 */
export function ws<Context = InferredContext, Result extends AnyUpgradeResult = UpgradeResultOf<Context>>(
  hooks: HooksSourceInput<Context, Result>,
): WsHandler;
/**
 * The same with a fallback, which has the types of its app and route.
 *
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
 */
export function ws<
  Context = InferredContext,
  Result extends AnyUpgradeResult = UpgradeResultOf<Context>,
  RawServer extends RawServerBase = RawServerDefault,
  RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
  RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
  RouteGeneric extends RouteGenericInterface = RouteGenericInterface,
  ContextConfig = ContextConfigDefault,
  SchemaCompiler extends FastifySchema = FastifySchema,
  TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
  Logger extends FastifyBaseLogger = FastifyBaseLogger,
>(
  hooks: HooksSourceInput<Context, Result>,
  fallback:
    | RouteHandlerMethod<
        RawServer,
        RawRequest,
        RawReply,
        RouteGeneric,
        ContextConfig,
        SchemaCompiler,
        TypeProvider,
        Logger
      >
    | undefined,
): RouteHandlerMethod<
  RawServer,
  RawRequest,
  RawReply,
  RouteGeneric,
  ContextConfig,
  SchemaCompiler,
  TypeProvider,
  Logger
>;
export function ws(hooks: HooksSource, fallback?: RouteHandlerMethod): RouteHandlerMethod {
  const route = defineRoute(hooks, fallback, "ws(hooks)", steps);
  return function (request, reply) {
    const exchange: Exchange = { app: this, request, reply, isLate: false };
    const result = route(request.raw, exchange);
    exchange.isLate = true;
    return result;
  };
}

/** What Fastify calls a handler with. */
interface Exchange {
  readonly app: FastifyInstance;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The handler has returned. */
  isLate: boolean;
}

const steps: RouteSteps<RouteHandlerMethod, Exchange> = {
  fallBack: (fallback, { app, request, reply }) => fallback.call(app, request, reply),
  describe: ({ request }) => describeRoute(request),
  pattern: ({ request }) => request.routeOptions.url,
  accept: (exchange) => sent(exchange.reply.code(101).send(), exchange),
  refuse: (refusal, exchange) => sent(refuse(exchange.reply, refusal), exchange),
};

/** A handler that returns a promise must resolve to the reply: Fastify then waits for it, as `onSend` hooks may hold the answer back. */
function sent(reply: FastifyReply, { isLate }: Exchange): FastifyReply | undefined {
  return isLate ? reply : undefined;
}

/** Fastify's own request, for its session, user or log. It is the same object in every hook. */
export function useFastifyRequest(event: Event): FastifyRequest {
  return useNative(event, "fastify", "useFastifyRequest") as FastifyRequest;
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.statusText) reply.raw.statusMessage = refusal.statusText;
  reply.code(refusal.status);
  for (const name of Object.keys(reply.getHeaders()).filter(describesBody)) {
    reply.removeHeader(name);
    reply.raw.removeHeader(name);
  }
  for (const [name, value] of refusal.headers) reply.header(name, value);
  return reply.send(bodyOf(refusal) ?? undefined);
}

/** The body of a refusal, as a stream if it has no `Content-Type`: Fastify would add one for bytes, but not for a stream. */
function bodyOf({ body, headers }: Refusal): Refusal["body"] {
  const isTyped = headers.some(([name]) => name === "content-type");
  return isTyped || !(body instanceof Buffer) ? body : Readable.from(body, { objectMode: false });
}

const adapter: Adapter = {
  name: "fastify",
  report: (error, native) => (native as FastifyRequest).log.error(error),
};

function describeRoute(request: FastifyRequest): RouteInfo {
  return {
    adapter,
    native: request,
    params: request.params as RouteInfo["params"],
    protocol: request.protocol,
    host: request.host,
    ip: request.ip,
  };
}
