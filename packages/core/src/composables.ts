import { createError } from "./errors.ts";
import { Event, type EventState, type RouteParams } from "./event.ts";
import { offeredSubprotocols } from "./handshake/validate.ts";

/**
 * The handshake as a WHATWG Request (method GET, no body), built on first use. Its URL is `useRequestURI(event)`.
 */
export function useRequest(event: Event): Request {
  const state = Event.state(event, "useRequest");
  state.webRequest ??= new Request(useRequestURI(event), { headers: useHeaders(event) });
  return state.webRequest;
}

/** The headers of the handshake, built on first use; a header sent several times is there with all its values. */
export function useHeaders(event: Event): Headers {
  const state = Event.state(event, "useHeaders");
  if (!state.webHeaders) {
    const headers = new Headers();
    for (const [name, value] of headersOf(state)) headers.append(name, value);
    state.webHeaders = headers;
  }
  return state.webHeaders;
}

/**
 * The URL of the handshake, as the client asked for it: path and query are never those a router rewrote. The scheme is
 * `http:` or `https:` (a proxy's `ws` and `wss` mean the same) and the host is that of the `Host` header, or what the framework's trust-proxy setting makes of
 * `X-Forwarded-Proto` and `X-Forwarded-Host`.
 */
export function useRequestURI(event: Event): URL {
  const state = Event.state(event, "useRequestURI");
  // Joined, not resolved: resolving the target "//chat" would make "chat" the host.
  state.url ??= new URL(
    state.target.startsWith("/") ? `${state.protocol}://${hostOf(state)}${state.target}` : state.target,
  );
  return state.url;
}

function hostOf(state: EventState): string | undefined {
  if (state.host !== undefined) return state.host;
  for (const [name, value] of headersOf(state)) if (name.toLowerCase() === "host") return value;
  return undefined;
}

function* headersOf({ rawHeaders }: EventState): Generator<[name: string, value: string]> {
  const list = typeof rawHeaders === "string" ? rawHeaders.split("\n") : rawHeaders;
  for (let i = 0; i + 1 < list.length; i += 2) yield [list[i] as string, list[i + 1] as string];
}

/** The parameters of the route, as the framework parsed them; an empty object on a route without any. */
export function useParams(event: Event): RouteParams {
  return Event.state(event, "useParams").params;
}

/** One parameter of the route, or undefined. Express 5 gives wildcards as arrays: they are joined with `/`. */
export function useParam(event: Event, name: string): string | undefined {
  const value = useParams(event)[name];
  return typeof value === "string" || value === undefined ? value : value.join("/");
}

/**
 * The client's address: `127.0.0.1:52044` or `[::1]:52044`; an IPv4 address mapped into IPv6 is given as IPv4. Where the
 * framework's trust-proxy setting takes the address from a header, it is the address alone, also where the proxy adds the
 * port or writes `[::1]`. Undefined on a Unix socket. The same in every hook, also after the socket is gone.
 */
export function getClientAddress(event: Event): string | undefined {
  return Event.state(event, "getClientAddress").address;
}

/** Sets what `getClientAddress` gives: for adapters, and for proxies that speak a protocol of their own. */
export function setClientAddress(event: Event, address: string | undefined): void {
  Event.state(event, "setClientAddress").address = address;
}

/** What `useSubprotocolToken` finds. */
export interface SubprotocolToken {
  /** The token without its prefix; undefined if the client sent none. */
  readonly token: string | undefined;
  /** The first real subprotocol the client offered, for `upgrade` to return; undefined if it offered none. */
  readonly protocol: string | undefined;
}

/**
 * Reads a token from the list of subprotocols: the one header a browser's WebSocket can set. The page offers a real
 * subprotocol beside it, which the server must select, as browsers fail a connection where it selects none.
 *
 * A subprotocol has only the characters of an HTTP token: a JWT fits; other tokens must be encoded (base64url).
 *
 * @param prefix what tells the token from real subprotocols
 * @example
 * // in the page: new WebSocket(url, ["chat.v1", `bearer.${token}`])
 * async upgrade(event) {
 *   const { token, protocol } = useSubprotocolToken(event);
 *   const user = token && (await verify(token));
 *   if (!user) return new Response("Unauthorized", { status: 401 });
 *   return { protocol, context: { user } };
 * }
 */
export function useSubprotocolToken(event: Event, prefix = "bearer."): SubprotocolToken {
  const header = useHeaders(event).get("sec-websocket-protocol") ?? undefined;
  const offered = [...(offeredSubprotocols(header) ?? [])];
  return {
    token: offered.find((name) => name.startsWith(prefix))?.slice(prefix.length),
    protocol: offered.find((name) => !name.startsWith(prefix)),
  };
}

/**
 * The framework's own object for the handshake, for an adapter's `useExpressRequest` and the like.
 *
 * @internal
 */
export function useNative(event: Event, adapter: string, caller: string): unknown {
  const state = Event.state(event, caller);
  if (state.native !== undefined && state.adapter.name === adapter) return state.native;
  if (state.adapter.name === adapter) {
    throw createError(
      "SPRY_WS_EVENT",
      `${caller}(event): the request is gone, as the option releaseRequest says. Return what later hooks need of it from the ` +
        "upgrade hook, { context }, or leave the option out",
    );
  }
  throw createError(
    "SPRY_WS_EVENT",
    `${caller}(event) needs an event of @spry-ws/${adapter}; this one came through ${state.adapter.name}`,
  );
}
