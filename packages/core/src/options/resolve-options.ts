import { createError, describe } from "../errors.ts";
import { maxTimeoutMs } from "../timers.ts";
import type { CloseOptions } from "./close-options.ts";
import { resolveCloseOptions } from "./close-options.ts";
import { resolveDeflate } from "./deflate-options.ts";
import type {
  BackplaneBufferOptions,
  HeartbeatOptions,
  HistogramOptions,
  PerMessageDeflateOptions,
  RateLimitOptions,
  SendBufferOptions,
  SpryWsOptions,
} from "./options.ts";
import { isOriginOrWord } from "./origin-option.ts";
import { toRequestPath } from "./path-option.ts";

/** Options with every default filled in. */
export type ResolvedOptions = Readonly<
  Required<Omit<SpryWsOptions, "path" | "onError" | "backplane" | keyof Groups>> &
    Pick<SpryWsOptions, "path" | "onError" | "backplane"> &
    Groups
>;

interface Groups {
  heartbeat: false | Required<HeartbeatOptions>;
  rateLimit: false | Required<RateLimitOptions>;
  sendBuffer: false | Required<SendBufferOptions>;
  backplaneBuffer: false | Required<BackplaneBufferOptions>;
  histograms: false | Required<HistogramOptions>;
  shutdown: Required<CloseOptions>;
  perMessageDeflate: false | PerMessageDeflateOptions;
}

/** The options that are numbers, with the default and the smallest value of each. */
const numbers = {
  maxPayload: [1_048_576, 0],
  maxFragments: [16_384, 0],
  handshakeTimeoutMs: [10_000, 0],
  maxPeers: [0, 0],
  maxPeersPerAddress: [0, 0],
  highWaterMarkBytes: [65_536, 1],
  writeSliceMs: [5, 0],
  concurrency: [1, 1],
  maxQueuedMessages: [64, 1],
  maxQueuedBytes: [1_048_576, 1],
  closeTimeoutMs: [10_000, 0],
} as const satisfies Partial<Record<keyof SpryWsOptions, readonly [fallback: number, minimum: number]>>;

/** Groups of options that `false` switches off. `off`: whether that is the default; otherwise the default is an empty object. */
const groups = {
  heartbeat: { off: false, numbers: { intervalMs: [30_000, 1], timeoutMs: [10_000, 1] } },
  rateLimit: { off: true, numbers: { messages: [0, 0], bytes: [0, 0], perMs: [1_000, 1] } },
  sendBuffer: { off: false, numbers: { maxBytes: [16_777_216, 1] } },
  backplaneBuffer: { off: false, numbers: { maxBytes: [16_777_216, 1] } },
  histograms: { off: true, numbers: { maxRoutes: [50, 0] } },
} as const;

/** What each bounded buffer may do at its limit; the first is the default. */
const limitPolicies = {
  sendBuffer: ["close", "drop"],
  backplaneBuffer: ["dropNewest", "dropOldest"],
} as const;

const known = [
  ...Object.keys(numbers),
  ...Object.keys(groups),
  "path",
  "origin",
  "perMessageDeflate",
  "releaseRequest",
  "shutdown",
  "backplane",
  "onError",
].sort();

/**
 * @param names the options that this caller takes
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option or a value out of range
 */
export function resolveOptions(
  options: SpryWsOptions = {},
  caller: string,
  names: readonly string[] = known,
): ResolvedOptions {
  const check = new Check(caller);
  check.object(options);
  // With app.use(spryWs), Express and Koa call spryWs itself with each request.
  if ("headers" in options) check.fail("this is a request: write app.use(spryWs()), with the parentheses");
  for (const name of Object.keys(options)) {
    if (!names.includes(name))
      check.fail(`there is no option "${name}"; the options are ${names.join(", ")}`);
  }
  const { path, origin = "same", onError, backplane, perMessageDeflate = false } = options;
  const { releaseRequest = false } = options;
  if (backplane !== undefined && !isBackplane(backplane)) {
    check.wrong(
      "backplane",
      "a backplane, like redis({ client }) of @spry-ws/redis or nodeCluster()",
      backplane,
    );
  }
  if (onError !== undefined && typeof onError !== "function") check.wrong("onError", "a function", onError);
  if (path !== undefined && !isPattern(path))
    check.wrong("path", "a string, a RegExp or a list of them", path);
  const paths = [path ?? []].flat().map((one) => {
    const wanted =
      'a path that starts with "/", without parameters and query (for parameters write a RegExp)';
    return typeof one === "string" ? (toRequestPath(one) ?? check.wrong("path", wanted, one)) : one;
  });
  if (path !== undefined && paths.length === 0)
    check.fail('"path" is an empty list, which no handshake would match; leave it out for every path');
  if (options.backplaneBuffer !== undefined && !("backplane" in options))
    check.fail('"backplaneBuffer" is nothing without "backplane"');
  if (typeof origin !== "function" && !isPattern(origin)) {
    check.wrong("origin", '"same", "*", an origin, a RegExp, a list of them or a function', origin);
  }
  for (const one of typeof origin === "function" ? [] : [origin].flat()) {
    if (typeof one === "string" && !isOriginOrWord(one))
      check.wrong("origin", 'as browsers send it, like "https://app.example" (for several a RegExp)', one);
  }
  if (typeof perMessageDeflate !== "boolean" && !isObject(perMessageDeflate)) {
    check.wrong("perMessageDeflate", "true, false or an object", perMessageDeflate);
  }
  if (typeof releaseRequest !== "boolean") check.wrong("releaseRequest", "true or false", releaseRequest);
  return Object.freeze({
    ...check.numbers(numbers, options),
    ...(path !== undefined && { path: paths }),
    origin,
    heartbeat: check.group("heartbeat", options),
    rateLimit: check.rateLimit(options),
    sendBuffer: check.buffer("sendBuffer", options),
    backplaneBuffer: check.buffer("backplaneBuffer", options),
    histograms: check.group("histograms", options.histograms === true ? { histograms: {} } : options),
    shutdown: resolveCloseOptions(options.shutdown, caller, "shutdown"),
    perMessageDeflate:
      perMessageDeflate && resolveDeflate(perMessageDeflate === true ? {} : perMessageDeflate, check),
    releaseRequest,
    ...(backplane && { backplane }),
    ...(onError && { onError }),
  });
}

type NumberTable = Readonly<Record<string, readonly [fallback: number, minimum: number]>>;

class Check {
  readonly #caller: string;

  constructor(caller: string) {
    this.#caller = caller;
  }

  fail(text: string): never {
    throw createError("SPRY_WS_OPTION", `${this.#caller}: ${text}`);
  }

  wrong(name: string, expected: string, value: unknown): never {
    const shown =
      typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? value : describe(value);
    return this.fail(`"${name}" must be ${expected}, not ${shown}`);
  }

  object(value: unknown): void {
    if (!isObject(value)) {
      throw createError(
        "SPRY_WS_OPTION",
        `${this.#caller} takes an object of options, not ${describe(value)}`,
      );
    }
  }

  numbers<Table extends NumberTable>(
    table: Table,
    given: object,
    prefix = "",
  ): { [Name in keyof Table]: number } {
    const resolved = Object.entries(table).map(([name, [fallback, minimum]]) => {
      const value: unknown = (given as Record<string, unknown>)[name] ?? fallback;
      if (!Number.isSafeInteger(value) || (value as number) < minimum) {
        this.wrong(prefix + name, `a whole number of at least ${minimum}`, value);
      }
      if (name.endsWith("Ms") && (value as number) > maxTimeoutMs) {
        this.wrong(prefix + name, `at most ${maxTimeoutMs} (24.8 days)`, value);
      }
      return [name, value];
    });
    return Object.fromEntries(resolved);
  }

  names(group: string, value: object, names: readonly string[]): void {
    const unknown = Object.keys(value).find((key) => !names.includes(key));
    if (unknown) this.fail(`there is no option "${group}.${unknown}"; there are ${names.join(", ")}`);
  }

  group<Name extends keyof typeof groups>(
    name: Name,
    options: SpryWsOptions,
    others: readonly string[] = [],
  ): false | { [Key in keyof (typeof groups)[Name]["numbers"]]: number } {
    const { off, numbers: table } = groups[name];
    const value = options[name] ?? (off ? false : {});
    if (value === false) return false;
    if (!isObject(value)) this.wrong(name, "false or an object", value);
    this.names(name, value, [...Object.keys(table), ...others]);
    return this.numbers(table as NumberTable, value, `${name}.`) as {
      [Key in keyof (typeof groups)[Name]["numbers"]]: number;
    };
  }

  rateLimit(options: SpryWsOptions): false | Required<RateLimitOptions> {
    const limit = this.group("rateLimit", options);
    if (limit && limit.messages === 0 && limit.bytes === 0)
      this.fail('"rateLimit" must have "messages" or "bytes", or be false: nothing else limits anything');
    return limit;
  }

  buffer<Name extends keyof typeof limitPolicies>(
    name: Name,
    options: SpryWsOptions,
  ): false | { maxBytes: number; onLimit: (typeof limitPolicies)[Name][number] } {
    const group = this.group(name, options, ["onLimit"]);
    const given = options[name];
    const policies: readonly string[] = limitPolicies[name];
    const onLimit = (given ? given.onLimit : undefined) ?? policies[0];
    if (!policies.includes(onLimit as string))
      this.wrong(`${name}.onLimit`, policies.map((policy) => `"${policy}"`).join(" or "), onLimit);
    return group && { maxBytes: group.maxBytes, onLimit: onLimit as (typeof limitPolicies)[Name][number] };
  }
}

function isBackplane(value: unknown): boolean {
  return isObject(value) && "open" in value && typeof value.open === "function" && "name" in value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPattern(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isPattern) : typeof value === "string" || value instanceof RegExp;
}
