import { createError, describe } from "./errors.ts";
import type { Event } from "./event.ts";
import type { Message } from "./message.ts";
import type { Peer } from "./peer.ts";

/** What the `upgrade` hook may return to accept the handshake. */
export interface UpgradeAcceptance<Context> {
  /**
   * Headers for the 101 response. The handshake's own (`Upgrade`, `Connection`, `Sec-WebSocket-*`) and those that
   * describe a body are not taken from here.
   */
  headers?: Headers | Record<string, string> | [string, string][] | undefined;
  /** The subprotocol, one of those the client offered. Without it none is selected. */
  protocol?: string | undefined;
  /** What `peer.context` gives in the other hooks; its type is inferred from here. */
  context?: Context;
  /**
   * When the client's credentials expire, as a Date or in milliseconds since the epoch: the peer is closed then with 3000,
   * unless `peer.renew` postpones it.
   */
  expiresAt?: Date | number | undefined;
}

/**
 * What the `upgrade` hook may return. Nothing, `Headers` or an acceptance: the handshake is accepted. A `Response`: it is
 * refused with exactly that status, reason phrase, headers and body.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook without a return statement returns void
export type UpgradeResult<Context> = void | undefined | Headers | Response | UpgradeAcceptance<Context>;

/** The hooks of an opened peer. */
export interface PeerHooks<Context> {
  /** After the 101. No message is delivered before it has settled. */
  open?(peer: Peer<Context>): unknown;
  /** For each message, in the order in which they came; the next one waits until this one has settled. */
  message?(peer: Peer<Context>, message: Message): unknown;
  /** The send buffer has emptied after `send` had returned false: called once, however often it did while another hook ran. */
  drain?(peer: Peer<Context>): unknown;
  /**
   * Exactly once for each opened peer, as the last hook. `code` and `reason` are those of a browser's CloseEvent: 1005
   * where the close frame had no code, 1006 where there was no closing handshake (RFC 6455 section 7.1.5).
   */
  close?(peer: Peer<Context>, code: number, reason: string): unknown;
  /**
   * A hook threw or rejected, the client violated the protocol, or sending failed. The peer is being closed; what this
   * hook sends, or a `peer.close(code)` of its own, comes before the 1011. Without this hook the errors of hooks go to
   * the framework's logger.
   */
  error?(peer: Peer<Context>, error: unknown): unknown;
}

/**
 * The hooks of a WebSocket route. All are optional, each may be async. The hooks of one peer run one after the other:
 * `open`, then each `message`, then `close`; one that throws or rejects goes to `error`, and the peer is closed with 1011.
 *
 * @see defineHooks
 */
export interface Hooks<Context = unknown> extends PeerHooks<Context> {
  /**
   * After the handshake has been validated, before the 101. A `Response` that is returned or thrown refuses it; anything
   * else that is thrown is answered by the framework's own error handling.
   */
  upgrade?(event: Event): UpgradeResult<Context> | Promise<UpgradeResult<Context>>;
}

/** Hooks, or a function that gives them for each handshake: loaded lazily, replaced while running, one set per tenant. */
export type HooksSource<Context = unknown> =
  | Hooks<Context>
  | ((event: Event) => Hooks<Context> | Promise<Hooks<Context>>);

const names = new Set(["upgrade", "open", "message", "drain", "close", "error"]);

/** @internal */
export function assertHooks(hooks: unknown, caller: string): asserts hooks is Hooks {
  if (typeof hooks !== "object" || hooks === null || Array.isArray(hooks)) {
    throw createError("SPRY_WS_HOOKS", `${caller} takes an object of hooks, not ${describe(hooks)}`);
  }
  const isPlain = Object.getPrototypeOf(hooks) === Object.prototype || Object.getPrototypeOf(hooks) === null;
  // What else an object of a class has is its own affair; but one without any hook is something else, or all misspelt.
  if (!isPlain && ![...names].some((name) => name in hooks)) {
    throw createError(
      "SPRY_WS_HOOKS",
      `${caller}: ${describe(hooks)} has none of the hooks ${[...names].join(", ")}`,
    );
  }
  for (const name of isPlain ? Object.keys(hooks) : names) {
    if (!names.has(name)) {
      const hint = name === "default" ? ": of an imported module give what it exports as default" : "";
      throw createError(
        "SPRY_WS_HOOKS",
        `${caller}: there is no hook "${name}"; the hooks are ${[...names].join(", ")}${hint}`,
      );
    }
    const hook = hooks[name as keyof typeof hooks] as unknown;
    if (hook !== undefined && typeof hook !== "function") {
      throw createError(
        "SPRY_WS_HOOKS",
        `${caller}: the hook "${name}" is ${describe(hook)}, not a function`,
      );
    }
  }
}

/**
 * What a route is mounted with.
 *
 * @internal
 */
export function assertHooksSource(
  source: unknown,
  caller: string,
  fallback?: unknown,
): asserts source is HooksSource {
  if (typeof source !== "function") assertHooks(source, caller);
  // A function that gives hooks has the event alone; (socket, request) and middleware are other libraries' ways.
  else if (source.length > 1) {
    throw createError(
      "SPRY_WS_HOOKS",
      `${caller} takes hooks, or a function of an event that gives them, not a function of ${source.length} parameters; ` +
        "in place of a listener write { message(peer, message) {} }, and middleware before ws(hooks) in the framework's route",
    );
  }
  if (fallback !== undefined && typeof fallback !== "function") {
    throw createError(
      "SPRY_WS_HOOKS",
      `${caller}: the fallback is ${describe(fallback)}, not a handler for plain requests`,
    );
  }
}
