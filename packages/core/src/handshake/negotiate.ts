import { AsyncResource } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import { createError, describe } from "../errors.ts";
import { Event, type EventState, type RouteParams } from "../event.ts";
import { assertHooks, type HooksSource, type UpgradeResult } from "../hooks.ts";
import { formatAddress } from "./address.ts";
import type { Acceptance, Handshake } from "./handshake.ts";
import { type Refusal, readRefusal, toRefusal } from "./refusal.ts";
import { offeredSubprotocols, shuttingDown } from "./validate.ts";

/** What an adapter's `ws(hooks)` handler tells core of the request. */
export interface RouteInfo {
  /** The name behind `@spry-ws/`. */
  readonly adapter: string;
  /** What `useExpressRequest` and the like give. */
  readonly native: unknown;
  readonly params: RouteParams;
  /** Protocol and host, as the framework's trust-proxy setting sees them. */
  readonly protocol: string;
  readonly host: string | undefined;
  /** The client's address, as the framework's trust-proxy setting sees it. */
  readonly ip: string | undefined;
  /** The framework's logger. */
  report(error: unknown): void;
}

/**
 * Runs the `upgrade` hook. Undefined: the handshake is accepted (or the client has gone meanwhile), and the adapter must
 * answer 101 through its framework. A refusal: the adapter must answer that. Rejects with what the hook threw: the adapter
 * must hand that to its framework.
 */
export async function negotiate(
  handshake: Handshake,
  source: HooksSource,
  route: RouteInfo,
): Promise<Refusal | undefined> {
  const { instance, request, socket } = handshake;
  handshake.isRouted = true;
  if (!handshake.isPending) return undefined;
  const scope = new AsyncResource("SpryWsPeer");
  const state = createState(handshake, route);
  const event = new Event(state);
  try {
    const hooks = typeof source === "function" ? await source(event) : source;
    if (typeof source === "function") assertHooks(hooks, "the function given to ws()");
    const result = await hooks.upgrade?.(event);
    if (isResponse(result)) return await readRefusal(result, socket);
    const terms = interpret(result, request);
    if (instance.isClosing) return toRefusal(shuttingDown);
    if (handshake.isPending) {
      const report: Acceptance["report"] = (error, context) => instance.report(error, context, route.report);
      handshake.acceptance = { hooks, state, scope, ...terms, report };
    }
    return undefined;
  } catch (thrown) {
    if (isResponse(thrown)) return await readRefusal(thrown, socket);
    throw thrown;
  }
}

function createState(handshake: Handshake, route: RouteInfo): EventState {
  const { request, target } = handshake;
  return {
    request,
    target,
    params: route.params,
    adapter: route.adapter,
    native: route.native,
    protocol: route.protocol === "https" ? "https" : "http",
    host: isHost(route.host) ? route.host : (request.headers.host as string),
    address: formatAddress(request.socket, route.ip),
  };
}

/** A forwarded host is what a proxy made of it; one that makes no URL is not taken. */
function isHost(host: string | undefined): host is string {
  return host !== undefined && host !== "" && URL.canParse(`http://${host}/`);
}

/** What a handshake is accepted with. */
type Terms = Pick<Acceptance, "context" | "protocol" | "headers">;

function interpret(result: Exclude<UpgradeResult<unknown>, Response>, request: IncomingMessage): Terms {
  if (result === undefined || result === null)
    return { context: undefined, protocol: undefined, headers: [] };
  if (typeof result !== "object") {
    throw createError(
      "SPRY_WS_UPGRADE_RESULT",
      `The upgrade hook returned ${describe(result)}; it may return nothing, Headers, { headers, protocol, context } or a Response`,
    );
  }
  if (isHeaders(result)) return { context: undefined, protocol: undefined, headers: collectHeaders(result) };
  const { headers, protocol, context, ...unknown } = result;
  const [name] = Object.keys(unknown);
  if (name !== undefined) {
    throw createError(
      "SPRY_WS_UPGRADE_RESULT",
      `The upgrade hook returned an object with "${name}"; it may have headers, protocol and context: ` +
        `to keep a value for the other hooks write { context: { ${name} } }`,
    );
  }
  if (protocol !== undefined && !offeredSubprotocols(request)?.has(protocol)) {
    throw createError(
      "SPRY_WS_SUBPROTOCOL",
      `The upgrade hook chose the subprotocol ${JSON.stringify(protocol)}, which the client did not offer ` +
        `(Sec-WebSocket-Protocol: ${request.headers["sec-websocket-protocol"] ?? "not sent"}); ` +
        "RFC 6455 section 4.2.2 allows only one that it offered",
    );
  }
  return { context, protocol, headers: headers ? collectHeaders(new Headers(headers)) : [] };
}

const ofTheHandshake = /^(?:upgrade|connection|sec-websocket-.*)$/;
const ofABody = /^(?:content-.*|transfer-encoding|trailer|etag|last-modified|accept-ranges|keep-alive)$/;

function collectHeaders(headers: Headers): [string, string][] {
  const collected: [string, string][] = [];
  for (const [name, value] of headers) {
    if (ofTheHandshake.test(name)) {
      throw createError(
        "SPRY_WS_UPGRADE_RESULT",
        `The upgrade hook returned the header "${name}", which belongs to the handshake itself` +
          (name === "sec-websocket-protocol" ? "; to select a subprotocol write { protocol: name }" : ""),
      );
    }
    if (!ofABody.test(name)) collected.push([name, value]);
  }
  return collected;
}

/** By brand, not by class: a Response may come from another realm or from the undici package. */
function isResponse(value: unknown): value is Response {
  return value instanceof Response || Object.prototype.toString.call(value) === "[object Response]";
}

function isHeaders(value: unknown): value is Headers {
  return value instanceof Headers || Object.prototype.toString.call(value) === "[object Headers]";
}
