import { createError, describe } from "./errors.ts";

/** The parameters of a route, as the framework parsed them. Express 5 wildcards are arrays. */
export type RouteParams = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What joins core to a framework. */
export interface Adapter {
  /** The name of its package after `@spry-ws/`. */
  readonly name: string;
  /**
   * The framework's logger. If it throws, or returns a promise that rejects, that error is printed.
   *
   * @param native the framework's own object for the handshake
   */
  report(error: unknown, native: unknown): unknown;
  /**
   * The response has closed behind a 101: lets go of what no hook can have a use for.
   *
   * @param native the framework's own object for the handshake
   */
  release?(native: unknown): void;
}

/**
 * What is known of one handshake. Made by the adapter's `ws(hooks)` handler, shared by the event that `upgrade` gets
 * and the peer that all later hooks get.
 *
 * @internal
 */
export interface EventState {
  /**
   * Names and values in turn, as they came: the list of the request where that is kept, and else joined by line feeds, which neither
   * can hold. There are many idle connections, and a list takes twice the memory.
   */
  rawHeaders: string | readonly string[];
  /** The request target as the client sent it, before any router changed `request.url`. */
  readonly target: string;
  readonly params: RouteParams;
  /** Whose object `native` is. */
  readonly adapter: Adapter;
  /** What `useExpressRequest` and the like give; undefined with node:http, and when `releaseRequest` has let go of it. */
  native: unknown;
  readonly protocol: "http" | "https";
  /** Undefined: that of the `Host` header. */
  readonly host: string | undefined;
  address: string | undefined;
  values?: Map<unknown, unknown>;
  webRequest?: Request;
  webHeaders?: Headers;
  url?: URL;
}

/** The framework's logger for the errors of one handshake; undefined where its object is not known: then the instance's is used. */
export function loggerOf({
  adapter,
  native,
}: Pick<EventState, "adapter" | "native">): ((error: unknown) => unknown) | undefined {
  return native === undefined ? undefined : (error) => adapter.report(error, native);
}

/** Puts headers, as they came, into one string. */
export function joinHeaders(rawHeaders: string | readonly string[]): string {
  return typeof rawHeaders === "string" ? rawHeaders : rawHeaders.join("\n");
}

/** Lets go of the framework's object, which has the request. */
export function releaseNative(state: EventState): void {
  state.rawHeaders = joinHeaders(state.rawHeaders);
  state.native = undefined;
}

/**
 * What travels with one connection. The `upgrade` hook gets an event; the peer that the other hooks get is the same
 * event: what was set in `upgrade` is there in `open`, `message` and `close`.
 *
 * @example
 * const user = Symbol("user");
 * defineHooks({
 *   async upgrade(event) { event.set(user, await authenticate(useHeaders(event))); },
 *   open(peer) { console.log(peer.get(user)); },
 * });
 */
export class Event {
  readonly #state: EventState;

  /** @internal */
  constructor(state: EventState) {
    this.#state = state;
  }

  /** The value set under `key`, or undefined. The type parameter is an assertion. */
  get<T = unknown>(key: unknown): T | undefined {
    return this.#state.values?.get(key) as T | undefined;
  }

  /** Keeps `value` for as long as the connection lives. Any value can be a key; a symbol never collides. */
  set(key: unknown, value: unknown): void {
    this.#state.values ??= new Map();
    this.#state.values.set(key, value);
  }

  /** Forgets what was set under `key`. */
  remove(key: unknown): void {
    this.#state.values?.delete(key);
  }

  /** @internal */
  static state(event: Event, caller: string): EventState {
    if (typeof event === "object" && event !== null && #state in event) return event.#state;
    throw createError(
      "SPRY_WS_EVENT",
      `${caller}(event) takes the event of the upgrade hook or the peer of any other hook, not ${describe(event)}`,
    );
  }
}
