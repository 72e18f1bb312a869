import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Adapter, RouteParams } from "./event.ts";
import { adoptRequest } from "./handshake/adopt.ts";
import type { RouteInfo } from "./handshake/negotiate.ts";
import { internalError } from "./handshake/rejection.ts";
import { reject, writeRefusal } from "./handshake/response.ts";
import { defineRoute, type RouteSteps } from "./handshake/route.ts";
import type {
  AnyUpgradeResult,
  HooksSourceInput,
  InferredContext,
  UpgradeResultOf,
} from "./infer-context.ts";
import { Instance } from "./instance.ts";
import type { SpryWsOptions } from "./options/options.ts";
import { attempt } from "./promises.ts";
import type { SpryWs } from "./spry-ws.ts";

const adapter: Adapter = { name: "http", report: console.error };

/** Shared, as there are many idle peers. */
const noParams: RouteParams = Object.freeze({});

/** Answers plain requests on a route of `createSpryWs`; `params` are those that a router of your own has passed. */
export type HttpFallback = (
  request: IncomingMessage,
  response: ServerResponse,
  params: RouteParams,
) => unknown;

/**
 * A `request` listener, for servers of HTTP/1.1 and of HTTP/2; a router of your own may pass what `useParams(event)` is to
 * give.
 */
export interface HttpHandler {
  /** For `http.createServer` and `https.createServer`. */
  (request: IncomingMessage, response: ServerResponse, params?: RouteParams): void;
  /** For `http2.createSecureServer`. */
  (request: Http2ServerRequest, response: Http2ServerResponse, params?: RouteParams): void;
}

/** The instance of `createSpryWs(options)`, for servers without a framework. */
export interface HttpSpryWs extends SpryWs {
  /**
   * A `request` listener that makes WebSockets of handshakes. A plain request goes to `fallback`, or is answered with
   * 426.
   *
   * @throws TypeError `SPRY_WS_HOOKS` where `hooks` is not an object of hooks
   */
  handler<Context = InferredContext, Result extends AnyUpgradeResult = UpgradeResultOf<Context>>(
    hooks: HooksSourceInput<Context, Result>,
    fallback?: HttpFallback,
  ): HttpHandler;
}

/**
 * WebSockets for a server made by `http.createServer` or `https.createServer`.
 *
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option or a value out of range
 * @example
 * const spry = createSpryWs();
 * const server = http.createServer(spry.handler(chat));
 * spry.attach(server);
 * server.listen(3000);
 */
export function createSpryWs(options?: SpryWsOptions): HttpSpryWs {
  const instance = new Instance(options, "createSpryWs(options)", console.error);

  const handler: HttpSpryWs["handler"] = (hooks, fallback) => {
    const route = defineRoute(hooks, fallback, "handler(hooks)", steps);
    const serve = (exchange: Exchange) => route(exchange.request, exchange);
    const failed = (error: unknown, { response }: Exchange) => {
      instance.report(error, { stage: "handshake" });
      reject(response, internalError);
    };
    const listener = (request: IncomingMessage, response: ServerResponse, params = noParams): void => {
      if (adoptRequest(instance, request, response)) return;
      void attempt(serve, failed, { request, response, params });
    };
    return listener as HttpHandler;
  };

  return Object.assign(instance, { handler });
}

/** A request that has reached a handler. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: RouteParams;
}

const steps: RouteSteps<HttpFallback, Exchange> = {
  fallBack: (fallback, { request, response, params }) => fallback(request, response, params),
  describe: describeRoute,
  accept: ({ response }) => response.writeHead(101).end(),
  refuse: (refusal, { response }) => writeRefusal(response, refusal),
};

function describeRoute({ request, params }: Exchange): RouteInfo {
  return {
    adapter,
    native: undefined,
    params,
    // Bun's plain sockets have the property too.
    protocol: (request.socket as Partial<TLSSocket>).encrypted ? "https" : "http",
    host: undefined,
    ip: undefined,
  };
}
