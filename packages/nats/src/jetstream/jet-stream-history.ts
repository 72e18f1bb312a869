import type { History } from "@spry-ws/core";
import { createError, describe } from "@spry-ws/core/adapter";
import { isConnection, notConnection } from "../nats.ts";
import { isPrefix } from "../subject.ts";
import type { NatsConnectionLike } from "../types.ts";
import { JetStreamLink } from "./history-link.ts";

/** Options of `jetStreamHistory()`. */
export interface JetStreamHistoryOptions {
  /**
   * A connection of `@nats-io/transport-node`: what `await connect(…)` gives. It may be that of `nats()`, and in use for anything else;
   * the history never closes or drains it.
   */
  connection: NatsConnectionLike;
  /**
   * The first part of the names of all subjects: what is stored has `.log.` and the topic behind it, and is told to other processes
   * under `.live.` and the topic. All processes of an application need the same prefix. Letters, digits and `_ - : / @ ~ +`, with
   * dots between parts.
   *
   * @default "spry-ws-history"
   */
  prefix?: string;
  /**
   * The name of the stream: letters, digits, `_` and `-`.
   *
   * @default the prefix, with `_` for any other character
   */
  stream?: string;
  /**
   * Whether the stream is created where there is none. Without it the error says with which configuration to create it. A stream that
   * exists is never changed: the options below are for one that is created.
   *
   * @default true
   */
  create?: boolean;
  /**
   * How many messages of each topic the stream keeps (`max_msgs_per_subject`): as many as any topic wants, as
   * `history: { maxMessages }` of a topic may not be more. A topic that wants fewer has as many as this.
   *
   * @default 10_000
   */
  maxMessages?: number;
  /**
   * How many bytes the stream has at most (`max_bytes`). A full stream refuses messages, until old ones are removed because of their
   * number or age.
   *
   * @default Infinity // as much as the account and the server have room for
   */
  maxBytes?: number;
  /**
   * For how many milliseconds the stream knows the id of a message (`duplicate_window`). The server has them all in memory.
   *
   * @default 120_000 // 2 minutes
   */
  idWindowMs?: number;
  /**
   * How many servers of a cluster have the stream (`num_replicas`): 1, 3 or 5.
   *
   * @default 1
   */
  replicas?: number;
  /** The JetStream domain, where it is not that of the server: the API is at `$JS.<domain>.API` then. */
  domain?: string;
  /**
   * What the subjects of the JetStream API begin with, where it is imported from another account under other names.
   *
   * @default "$JS.API"
   */
  apiPrefix?: string;
}

const names =
  "connection, prefix, stream, create, maxMessages, maxBytes, idWindowMs, replicas, domain, apiPrefix";

/**
 * Keeps the messages of durable topics in one stream of NATS JetStream: every process that uses it has the same log, and it survives
 * them all. Needs a server of version 2.9 or later.
 *
 * @example
 * const connection = await connect({ servers: "nats://localhost", maxReconnectAttempts: -1 });
 * const live = createService(spry, chat, { history: jetStreamHistory({ connection }) });
 *
 * @throws TypeError `SPRY_WS_OPTION` when an option is unknown or has no meaning
 */
export function jetStreamHistory(options: JetStreamHistoryOptions): History {
  const {
    connection,
    prefix = "spry-ws-history",
    stream = String(prefix).replace(/[^\w-]/g, "_"),
    create = true,
    maxMessages = 10_000,
    maxBytes = Number.POSITIVE_INFINITY,
    idWindowMs = 120_000,
    replicas = 1,
    domain,
    apiPrefix,
    ...others
  } = Object(options) as JetStreamHistoryOptions;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw createError(
      "SPRY_WS_OPTION",
      `jetStreamHistory() has no option "${unknown}"; the options are ${names}`,
    );
  if (!isConnection(connection)) throw notConnection("jetStreamHistory", connection);
  check(
    "prefix",
    prefix,
    typeof prefix === "string" && isPrefix(prefix),
    "letters, digits and _ - : / @ ~ + with dots between parts",
  );
  check("stream", stream, typeof stream === "string" && /^[\w-]+$/.test(stream), "letters, digits, _ and -");
  check("create", create, typeof create === "boolean", "true or false");
  check("maxMessages", maxMessages, isCount(maxMessages), "a whole number from 1");
  const isBound = maxBytes === Number.POSITIVE_INFINITY || isCount(maxBytes);
  check("maxBytes", maxBytes, isBound, "a whole number of bytes from 1, or Infinity");
  check(
    "idWindowMs",
    idWindowMs,
    isCount(idWindowMs) && idWindowMs >= 100,
    "a whole number of milliseconds from 100",
  );
  check("replicas", replicas, isCount(replicas) && replicas <= 5, "a whole number from 1 to 5");
  const isDomain = domain === undefined || (typeof domain === "string" && /^[\w-]+$/.test(domain));
  check("domain", domain, isDomain, "letters, digits, _ and -");
  const isApi =
    apiPrefix === undefined || (typeof apiPrefix === "string" && isPrefix(apiPrefix.replace(/^\$/, "")));
  check("apiPrefix", apiPrefix, isApi, 'the first parts of a subject, such as "$JS.API"');
  if (domain !== undefined && apiPrefix !== undefined)
    throw createError("SPRY_WS_OPTION", '"domain" and "apiPrefix" say the same: write one of them');
  const settings = {
    connection,
    stream,
    logPrefix: `${prefix}.log`,
    livePrefix: `${prefix}.live`,
    api: domain === undefined ? (apiPrefix ?? "$JS.API") : `$JS.${domain}.API`,
    create,
    maxMessages,
    maxBytes: Number.isFinite(maxBytes) ? maxBytes : -1,
    idWindowMs,
    replicas,
  };
  return { name: "jetstream", open: (events) => new JetStreamLink(settings, events) };
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function check(name: string, value: unknown, isRight: boolean, wanted: string): void {
  if (isRight) return;
  const given =
    typeof value === "string" || typeof value === "number" ? JSON.stringify(value) : describe(value);
  throw createError("SPRY_WS_OPTION", `"${name}" must be ${wanted}, not ${given}`);
}
