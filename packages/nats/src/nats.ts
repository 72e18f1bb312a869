import type { Backplane } from "@spry-ws/core";
import { createError, describe } from "@spry-ws/core/adapter";
import { NatsLink } from "./link.ts";
import { isPrefix } from "./subject.ts";
import type { NatsConnectionLike } from "./types.ts";

/** Options of `nats()`. */
export interface NatsOptions {
  /**
   * A connection of `@nats-io/transport-node`: what `await connect(…)` gives. The backplane uses this connection alone, never closes
   * or drains it, and lets you use it for anything else. The options of the connection decide how an outage goes. With
   * `maxReconnectAttempts: -1` it never gives up; by default it does after 10 attempts, and then the backplane stays down.
   * `pingInterval` decides how soon it notices a server that does not answer any more.
   */
  connection: NatsConnectionLike;
  /**
   * The first part of the names of all subjects; one more part for the topic follows. All processes of an application need the same
   * prefix, and applications that share a NATS need different ones. Letters, digits and `_ - : / @ ~ +`, with dots between parts.
   *
   * @default "spry-ws"
   */
  prefix?: string;
}

const methods = ["publish", "subscribe", "flush", "status", "closed", "isClosed"] as const;

/**
 * Joins the processes that use the same NATS: what one publishes to a topic reaches the subscribers in all of them.
 *
 * @example
 * const connection = await connect({ servers: "nats://localhost", maxReconnectAttempts: -1 });
 * const spry = spryWs({ backplane: nats({ connection }) });
 *
 * @throws TypeError `SPRY_WS_OPTION` when an option is unknown or has no meaning
 */
export function nats(options: NatsOptions): Backplane {
  const { connection, prefix = "spry-ws", ...others } = Object(options) as NatsOptions;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw createError(
      "SPRY_WS_OPTION",
      `nats() has no option "${unknown}"; the options are connection, prefix`,
    );
  if (typeof prefix !== "string" || !isPrefix(prefix))
    throw createError(
      "SPRY_WS_OPTION",
      '"prefix" must be letters, digits and _ - : / @ ~ + with dots between parts, not ' +
        (typeof prefix === "string" ? JSON.stringify(prefix) : describe(prefix)),
    );
  if (!isConnection(connection)) throw notConnection("nats", connection);
  return { name: "nats", open: (events) => new NatsLink(connection, prefix, events) };
}

export function isConnection(value: unknown): boolean {
  const members = Object(value) as Record<string, unknown>;
  return methods.every((name) => typeof members[name] === "function");
}

/** @param name of the function whose option it is */
export function notConnection(name: string, value: unknown): Error {
  return createError(
    "SPRY_WS_OPTION",
    `"connection" must be a connection of @nats-io/transport-node, not ${describe(value)}: ` +
      `write ${name}({ connection: await connect({ servers: … }) })`,
  );
}
