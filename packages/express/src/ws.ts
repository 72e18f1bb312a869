import type {
  AnyUpgradeResult,
  Event,
  HooksSourceInput,
  InferredContext,
  UpgradeResultOf,
} from "@spry-ws/core";
import {
  type Adapter,
  attempt,
  defineRoute,
  type RouteInfo,
  type RouteSteps,
  spentResponse,
  useNative,
  writeRefusal,
} from "@spry-ws/core/adapter";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { keepFromLateErrors, logError } from "./late-errors.ts";
import { learn } from "./prepare.ts";
import type { Unsaid } from "./types.ts";

/**
 * A route handler that makes each handshake a WebSocket. Middleware before it runs as for any GET. A plain request goes to `fallback`;
 * without one it is answered with 426.
 *
 * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
 * @example
 * router.get("/:room", requireUser, ws(chat));
 */
export function ws<
  Context = InferredContext,
  Result extends AnyUpgradeResult = UpgradeResultOf<Context>,
  Params = Request["params"],
  ResBody = Unsaid,
  ReqBody = Unsaid,
  Query = Request["query"],
  Locals extends Record<string, Unsaid> = Record<string, Unsaid>,
>(
  hooks: HooksSourceInput<Context, Result>,
  fallback?: RequestHandler<Params, ResBody, ReqBody, Query, Locals>,
): RequestHandler<Params, ResBody, ReqBody, Query, Locals> {
  return createHandler(hooks, fallback as RequestHandler | undefined) as RequestHandler<
    Params,
    ResBody,
    ReqBody,
    Query,
    Locals
  >;
}

function createHandler(hooks: unknown, fallback: RequestHandler | undefined): RequestHandler {
  const route = defineRoute(hooks, fallback, "ws(hooks)", steps);
  const serve = (exchange: Exchange) => route(exchange.request, exchange);
  return (request, response, next) => attempt(serve, failed, { request, response, next });
}

/** What Express calls a handler with. */
interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly next: NextFunction;
}

const steps: RouteSteps<RequestHandler, Exchange> = {
  fallBack: (fallback, { request, response, next }) => fallback(request, response, next),
  describe({ request }) {
    keepFromLateErrors(request.app);
    learn(request);
    return describeRoute(request);
  },
  pattern: ({ request }) => request.route && String(request.route.path),
  accept: ({ response }) => response.status(101).end(),
  refuse: (refusal, { response }) => writeRefusal(response, refusal),
};

function failed(error: unknown, { next }: Exchange): unknown {
  return next(error);
}

/** Express's own request, for its session, user or app. It is the same object in every hook. */
export function useExpressRequest(event: Event): Request {
  return useNative(event, "express", "useExpressRequest") as Request;
}

const adapter: Adapter = {
  name: "express",
  report: (error, native) => logError(native as Request, error),
  release: (native) => release(native as Request),
};

function describeRoute(request: Request): RouteInfo {
  return {
    adapter,
    native: request,
    params: request.params,
    protocol: request.protocol,
    host: forwardedHost(request) ?? request.headers.host,
    ip: request.ip,
  };
}

/** What is kept of the router's way through the app, and of the response. The URL is parsed again when it is asked for. */
function release(request: Request & { _parsedUrl?: unknown }): void {
  if (request.res) request.res = spentResponse(request.res) as Response;
  request.next = undefined;
  request._parsedUrl = undefined;
}

/** The first host of `X-Forwarded-Host`, if the app trusts the proxy. `request.hostname` would lack the port. */
function forwardedHost(request: Request): string | undefined {
  const host = request.get("x-forwarded-host");
  if (!host) return undefined;
  const isTrusted: (address: string | undefined, hop: number) => boolean = request.app.get("trust proxy fn");
  return isTrusted(request.socket.remoteAddress, 0) ? host.split(",", 1)[0]?.trim() : undefined;
}
