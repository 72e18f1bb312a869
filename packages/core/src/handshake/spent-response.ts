import { type IncomingMessage, ServerResponse } from "node:http";
import { hasNativeHttp } from "../runtime.ts";
import { divert } from "./response.ts";

/** What the stand-ins of one class of responses share. */
interface Shared {
  /** The prototype of the stand-ins: a response that has sent a 101. */
  readonly prototype: object;
  /** What every response has. */
  readonly keys: ReadonlySet<PropertyKey>;
  /** Where Node keeps a response's headers. */
  readonly headersKey: symbol;
  /** The headers of the last stand-in, as text and as Node keeps them. */
  lastText: string;
  lastHeaders: unknown;
}

/** By the prototype that a framework gives its responses; undefined where a runtime's are not what is known here. */
const known = new WeakMap<object, Shared | undefined>();

/**
 * What hooks find in the place of a response behind its 101. It answers as the response would, which has ended: it has its headers, and
 * what middleware has put on it (`res.locals`). It lacks what was needed to send it, about 3 KB, and all that the middleware which has
 * wrapped its methods holds.
 *
 * @returns the response itself where nothing is known of how a runtime's are made (Bun)
 */
export function spentResponse(response: ServerResponse): ServerResponse {
  const prototype: object = Object.getPrototypeOf(response);
  if (!known.has(prototype)) known.set(prototype, hasNativeHttp ? undefined : createShared(prototype));
  const shared = known.get(prototype);
  if (!shared) return response;
  const spent: Record<PropertyKey, unknown> = Object.create(shared.prototype);
  for (const key of Reflect.ownKeys(response)) {
    if (shared.keys.has(key)) continue;
    const value: unknown = Reflect.get(response, key);
    const isWrapped = typeof value === "function" && key in prototype;
    if (!isWrapped && value !== undefined && value !== null) spent[key] = value;
  }
  if (response.getHeaderNames().length > 0) spent[shared.headersKey] = shareHeaders(response, shared);
  return spent as unknown as ServerResponse;
}

function createShared(prototype: object): Shared | undefined {
  const parts = { method: "GET", httpVersionMajor: 1, httpVersionMinor: 1, headers: {} };
  const ended = new ServerResponse(parts as IncomingMessage);
  divert(ended);
  ended.writeHead(101).end();
  Object.setPrototypeOf(ended, prototype);
  const keys = new Set(Reflect.ownKeys(ended));
  const headersKey = [...keys].find((key) => typeof key === "symbol" && key.description === "kOutHeaders");
  if (headersKey === undefined) return undefined;
  keys.delete("req");
  // Whoever listens to a stand-in gets a list of listeners of its own.
  const common = { _events: undefined, _eventsCount: 0, socket: null, req: undefined };
  const shared = Object.assign(Object.create(ended), common);
  return { prototype: shared, keys, headersKey: headersKey as symbol, lastText: "", lastHeaders: undefined };
}

/** A response's headers cannot change behind the 101: one that has the same as the last one has the same object. */
function shareHeaders(response: ServerResponse, shared: Shared): unknown {
  const text = JSON.stringify(response.getHeaders());
  if (text !== shared.lastText) {
    shared.lastText = text;
    shared.lastHeaders = Reflect.get(response, shared.headersKey);
  }
  return shared.lastHeaders;
}
