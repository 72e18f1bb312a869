import type { IncomingMessage, ServerResponse } from "node:http";
import type { RouteParams } from "./event.ts";
import { adoptRequest } from "./handshake/attach.ts";
import { findHandshake } from "./handshake/find.ts";
import { negotiate } from "./handshake/negotiate.ts";
import { reject, writeRefusal } from "./handshake/response.ts";
import { internalError, upgradeRequired } from "./handshake/validate.ts";
import { assertHooksSource, type HooksSource } from "./hooks.ts";
import type { SpryWsOptions } from "./options.ts";
import { Instance, type SpryWs } from "./spry-ws.ts";

/** A `request` listener; a router of your own may pass what `useParams(event)` is to give. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse, params?: RouteParams) => void;

/** The instance of `createSpryWs(options)`, for servers without a framework. */
export interface HttpSpryWs extends SpryWs {
  /**
   * A `request` listener that makes WebSockets of handshakes. A plain request goes to `fallback`, or is answered with
   * 426.
   *
   * @throws TypeError `SPRY_WS_HOOKS` for hooks that are none
   */
  handler<Context>(hooks: HooksSource<Context>, fallback?: HttpHandler): HttpHandler;
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
    assertHooksSource(hooks, "handler(hooks)");
    const serve: HttpHandler = async (request, response, params = {}) => {
      try {
        const handshake = findHandshake(request);
        if (!handshake)
          return fallback ? fallback(request, response, params) : reject(response, upgradeRequired);
        const protocol = "encrypted" in request.socket ? "https" : "http";
        const route = {
          adapter: "http",
          native: request,
          params,
          protocol,
          host: undefined,
          ip: undefined,
        } as const;
        const refusal = await negotiate(handshake, hooks as HooksSource, { ...route, report: console.error });
        if (refusal) await writeRefusal(response, refusal);
        else response.writeHead(101).end();
      } catch (error) {
        instance.report(error, { stage: "handshake" });
        reject(response, internalError);
      }
    };
    return (request, response, params) => {
      if (!adoptRequest(instance, request, response)) void serve(request, response, params);
    };
  };

  return Object.assign(instance, { handler });
}
