import { type IncomingMessage, ServerResponse } from "node:http";
import { hasNativeHttp } from "../runtime.ts";
import { divert } from "./response.ts";

/** As Node keeps a response's headers: the name as it was written, and the value. */
type OutHeaders = Readonly<Record<string, readonly [name: string, value: unknown]>>;

/** What the stand-ins of one class of responses share. */
interface Shared {
  /** The prototype of the stand-ins: a response that has sent a 101. */
  readonly prototype: object;
  /** What every response has. */
  readonly keys: ReadonlySet<PropertyKey>;
  /** Where Node keeps a response's headers. */
  readonly headersKey: symbol;
  /** The headers of the last stand-in. */
  lastHeaders: OutHeaders;
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
  // Not Reflect.ownKeys, which takes four times as long as both together.
  for (const key of Object.keys(response)) keep(key, response, spent, shared);
  for (const key of Object.getOwnPropertySymbols(response)) keep(key, response, spent, shared);
  const headers = Reflect.get(response, shared.headersKey);
  if (headers) spent[shared.headersKey] = shareHeaders(headers, shared);
  return spent as unknown as ServerResponse;
}

/** Keeps a property, if it is not what every response has, or a method that is wrapped. */
function keep(key: PropertyKey, response: object, spent: Record<PropertyKey, unknown>, shared: Shared): void {
  if (shared.keys.has(key)) return;
  const value: unknown = Reflect.get(response, key);
  const isWrapped = typeof value === "function" && key in shared.prototype;
  if (!isWrapped && value !== undefined && value !== null) spent[key] = value;
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
  return { prototype: shared, keys, headersKey: headersKey as symbol, lastHeaders: {} };
}

/** A response's headers cannot change behind the 101: one that has the same as the last one has the same object. */
function shareHeaders(headers: OutHeaders, shared: Shared): OutHeaders {
  if (!isSame(headers, shared.lastHeaders)) shared.lastHeaders = headers;
  return shared.lastHeaders;
}

/** Lists of values are not looked into: mostly they are cookies. */
function isSame(headers: OutHeaders, others: OutHeaders): boolean {
  const names = Object.keys(headers);
  if (names.length !== Object.keys(others).length) return false;
  return names.every((key) => {
    const other = others[key];
    return other !== undefined && other[0] === headers[key]?.[0] && other[1] === headers[key]?.[1];
  });
}
