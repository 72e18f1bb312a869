import { AsyncResource } from "node:async_hooks";
import { Event, type EventState, type RouteParams } from "../event.ts";
import { assertHooks, type HooksSource } from "../hooks.ts";
import type { RefusalReason } from "../observe/metrics.ts";
import { clientKey, formatAddress } from "./address.ts";
import type { Handshake } from "./handshake.ts";
import { isAllowedOrigin } from "./origin.ts";
import { type Refusal, readRefusal, toRefusal } from "./refusal.ts";
import { interpret, isResponse } from "./terms.ts";
import { busy, foreignOrigin, type Rejection, shuttingDown, tooMany } from "./validate.ts";

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
  const { instance, request, server } = handshake;
  handshake.isRouted = true;
  if (!handshake.isPending) return undefined;
  const scope = new AsyncResource("SpryWsPeer");
  const state = createState(handshake, route);
  const event = new Event(state);
  try {
    const barred = await checkAdmission(handshake, route, event);
    if (barred) return refuse(handshake, ...barred);
    const hooks = typeof source === "function" ? await source(event) : source;
    if (typeof source === "function") assertHooks(hooks, "the function given to ws()");
    const result = await hooks.upgrade?.(event);
    if (isResponse(result)) return await refuseWith(handshake, result);
    const terms = interpret(result, request);
    if (instance.isClosing(server)) return refuse(handshake, "closing", shuttingDown);
    if (handshake.isPending) handshake.acceptance = { hooks, state, scope, ...terms };
    return undefined;
  } catch (thrown) {
    if (isResponse(thrown)) return await refuseWith(handshake, thrown);
    throw thrown;
  }
}

/** What may keep a client out before any hook runs: the end of the server, too many peers, a page of a foreign origin. */
async function checkAdmission(
  handshake: Handshake,
  route: RouteInfo,
  event: Event,
): Promise<[RefusalReason, Rejection] | undefined> {
  const { instance, request, server } = handshake;
  if (instance.isClosing(server)) return ["closing", shuttingDown];
  const { maxPeers, maxPeersPerAddress, origin: policy } = instance.options;
  const isFull = maxPeers > 0 && instance.connections.size + instance.handshakes.size > maxPeers;
  if (isFull) return ["maxPeers", busy];
  const client = maxPeersPerAddress > 0 ? clientKey(request.socket, route.ip) : undefined;
  if (client !== undefined) {
    if (!instance.clients.take(client, maxPeersPerAddress)) return ["maxPeersPerAddress", tooMany];
    handshake.client = client;
  }
  const { origin } = request.headers;
  const { host } = Event.state(event, "origin");
  if (await isAllowedOrigin(policy, origin, host, event)) return undefined;
  instance.origins.note(String(origin), host, (error) =>
    instance.report(error, { stage: "handshake" }, route.report),
  );
  return ["origin", foreignOrigin];
}

function refuse(handshake: Handshake, reason: RefusalReason, rejection: Rejection): Refusal {
  handshake.refusal = reason;
  return toRefusal(rejection);
}

function refuseWith(handshake: Handshake, response: Response): Promise<Refusal> {
  handshake.refusal = "hook";
  return readRefusal(response, handshake.socket);
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
    log: route.report,
  };
}

/** A forwarded host is what a proxy made of it; one that makes no URL is not taken. */
function isHost(host: string | undefined): host is string {
  return host !== undefined && host !== "" && URL.canParse(`http://${host}/`);
}
