import { AsyncResource } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import { type Adapter, Event, type EventState, joinHeaders, loggerOf, type RouteParams } from "../event.ts";
import { assertHooks, type Hooks, type HooksSource, type UpgradeResult } from "../hooks.ts";
import { channels } from "../observe/channels.ts";
import { attempt, type MaybePromise, whenThere } from "../promises.ts";
import { clientKey, formatAddress } from "./address.ts";
import type { Handshake } from "./handshake.ts";
import { isAllowedOrigin } from "./origin.ts";
import { type Refusal, readRefusal, toRefusal } from "./refusal.ts";
import {
  foreignOrigin,
  type Rejection,
  shuttingDown,
  tooManyPeers,
  tooManyPeersOfAddress,
} from "./rejection.ts";
import { slimRequest } from "./spent-request.ts";
import { interpret, isResponse } from "./terms.ts";

/** What an adapter's `ws(hooks)` handler tells core about the request. */
export interface RouteInfo {
  readonly adapter: Adapter;
  /** What `useExpressRequest` and the like return. */
  readonly native: unknown;
  readonly params: RouteParams;
  /** Protocol and host, as the framework's trust-proxy setting sees them. */
  readonly protocol: string;
  readonly host: string | undefined;
  /** The client's address, as the framework's trust-proxy setting sees it. */
  readonly ip: string | undefined;
}

/** A handshake that is being decided about. */
interface Negotiation {
  readonly handshake: Handshake;
  readonly source: HooksSource;
  readonly route: RouteInfo;
  readonly state: EventState;
  readonly event: Event;
  readonly scope: AsyncResource;
  /** Those of `source`, when they are known. */
  hooks: Hooks | undefined;
}

/**
 * Decides about a handshake: checks limits and origin, and runs the `upgrade` hook.
 *
 * The steps are functions of their own, in the order in which they are called. Most handshakes wait for nothing, and closures would be a
 * good part of what one costs.
 *
 * @returns undefined if the handshake is accepted, or the client has gone meanwhile: then the adapter must answer 101 through its
 * framework. Otherwise the refusal that it must answer. A promise only if a hook has returned one
 * @throws what the hook threw (or rejects with it): the adapter must hand that to its framework
 */
export function negotiate(
  handshake: Handshake,
  source: HooksSource,
  route: RouteInfo,
): MaybePromise<Refusal | undefined> {
  handshake.isRouted = true;
  if (!handshake.isPending) return undefined;
  if (typeof source !== "function") recognize(handshake, source);
  const scope = new AsyncResource("SpryWsPeer");
  const state = createState(handshake, route);
  const event = new Event(state);
  return attempt(admit, failed, { handshake, source, route, state, event, scope, hooks: undefined });
}

function admit(negotiation: Negotiation): MaybePromise<Refusal | undefined> {
  const { handshake, route, event } = negotiation;
  return whenThere(checkAdmission(handshake, route, event), admitted, negotiation);
}

function admitted(
  rejection: Rejection | undefined,
  negotiation: Negotiation,
): MaybePromise<Refusal | undefined> {
  const { handshake, source, event } = negotiation;
  if (rejection) return refuse(handshake, rejection);
  handshake.isOriginAllowed = true;
  return whenThere(loadHooks(source, event), askHook, negotiation);
}

function askHook(hooks: Hooks, negotiation: Negotiation): MaybePromise<Refusal | undefined> {
  const { handshake, source, event } = negotiation;
  if (typeof source === "function") recognize(handshake, hooks);
  const { histograms } = handshake.instance;
  const called = histograms ? histograms.timed(hooks, handshake) : hooks;
  negotiation.hooks = called;
  return whenThere(called.upgrade?.(event), decide, negotiation);
}

function decide(result: UpgradeResult<unknown>, negotiation: Negotiation): MaybePromise<Refusal | undefined> {
  const { handshake, route, state, scope } = negotiation;
  if (isResponse(result)) return refuseWith(handshake, result);
  const { context, protocol, headers, expiresAt } = interpret(result, handshake.request);
  const { instance } = handshake;
  if (instance.isClosing(handshake.server)) return refuse(handshake, shuttingDown);
  if (!handshake.isPending) return undefined;
  const hooks = negotiation.hooks as Hooks;
  const release = releasing(handshake.request, route);
  handshake.acceptance = { hooks, state, context, protocol, headers, expiresAt, scope, release };
  if (protocol === undefined && handshake.request.headers["sec-websocket-protocol"] !== undefined)
    instance.handshakes.notices.withoutSubprotocol(handshake, loggerOf(route));
  return undefined;
}

function failed(thrown: unknown, { handshake }: Negotiation): MaybePromise<Refusal | undefined> {
  if (isResponse(thrown)) return refuseWith(handshake, thrown);
  if (channels.error.hasSubscribers) channels.error.publish({ request: handshake.request, error: thrown });
  throw thrown;
}

/** The hooks are known: whether they are those of a service. */
function recognize(handshake: Handshake, hooks: object): void {
  handshake.isRaw = !(handshake.instance.speakers as ReadonlySet<object>).has(hooks);
}

function loadHooks(source: HooksSource, event: Event): MaybePromise<Hooks> {
  if (typeof source !== "function") return source;
  return whenThere(source(event), (hooks) => {
    assertHooks(hooks, "the function given to ws()");
    return hooks;
  });
}

/** Checks what may keep a client out before any hook runs: the server is closing, too many peers, a page of a foreign origin. */
function checkAdmission(
  handshake: Handshake,
  route: RouteInfo,
  event: Event,
): MaybePromise<Rejection | undefined> {
  const { instance, request, server } = handshake;
  if (instance.isClosing(server)) return shuttingDown;
  const { maxPeers, maxPeersPerAddress, origin: policy } = instance.options;
  // Counted once: a request may reach a second handler, after an error handler.
  if (!handshake.isAdmitted) {
    const isFull = maxPeers > 0 && instance.connections.size + instance.handshakes.admitted >= maxPeers;
    if (isFull) return tooManyPeers;
    handshake.isAdmitted = true;
    instance.handshakes.admitted++;
  }
  const client = maxPeersPerAddress > 0 ? clientKey(request.socket, route.ip) : undefined;
  if (client !== undefined && handshake.client === undefined) {
    if (!instance.handshakes.clients.take(client, maxPeersPerAddress)) return tooManyPeersOfAddress;
    handshake.client = client;
  }
  const host = Event.state(event, "origin").host ?? (request.headers.host as string);
  const isAllowed = isAllowedOrigin(policy, request.headers.origin, host, event);
  return isAllowed === true ? undefined : whenThere(isAllowed, judgeOrigin, { handshake, route, host });
}

function judgeOrigin(
  isAllowed: boolean,
  { handshake, route, host }: { handshake: Handshake; route: RouteInfo; host: string },
): Rejection | undefined {
  if (isAllowed) return undefined;
  const { instance, request } = handshake;
  instance.handshakes.origins.note(String(request.headers.origin), host, (error) =>
    instance.report(error, { stage: "handshake" }, loggerOf(route)),
  );
  return foreignOrigin;
}

function refuse(handshake: Handshake, rejection: Rejection): Refusal {
  handshake.refusalReason = rejection.reason;
  handshake.refusalText = rejection.message;
  return toRefusal(rejection);
}

function refuseWith(handshake: Handshake, response: Response): Promise<Refusal> {
  handshake.refusalReason = "hook";
  return readRefusal(response, handshake.response);
}

/** The answer has been sent: of the request there remains what hooks can ask for. */
function releasing(request: IncomingMessage, { native, adapter }: RouteInfo): (() => void) | undefined {
  if (native === undefined) return undefined;
  return () => {
    slimRequest(request);
    adapter.release?.(native);
  };
}

function createState(handshake: Handshake, route: RouteInfo): EventState {
  const { request, target } = handshake;
  return {
    rawHeaders: route.native === undefined ? joinHeaders(request.rawHeaders) : request.rawHeaders,
    target,
    params: route.params,
    adapter: route.adapter,
    native: route.native,
    // Traefik and node-http-proxy send `ws` or `wss` in X-Forwarded-Proto.
    protocol: /^(?:https|wss)$/i.test(route.protocol) ? "https" : "http",
    host: takeHost(route.host, request.headers.host as string),
    address: formatAddress(request.socket, route.ip),
  };
}

/**
 * The host that the framework sees, if it is valid in a URL: a proxy may have forwarded anything. Undefined: that of the `Host` header,
 * which has been validated.
 */
function takeHost(host: string | undefined, own: string): string | undefined {
  return host && host !== own && URL.canParse(`http://${host}/`) ? host : undefined;
}
