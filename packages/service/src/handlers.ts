import {
  type Contract,
  type RequestDefinition,
  type Schema,
  ServiceError,
  type TopicDefinition,
} from "@spry-ws/contract";
import { assertFits, contractError, parse, TopicPatterns } from "@spry-ws/contract/wire";
import type { History, Hooks, Peer } from "@spry-ws/core";
import type { Call, ServiceImplementation, TopicHistoryOptions } from "./implementation.ts";

/** The handlers of a service, without the types of the contract: inputs have been validated by its schemas. */
export interface Handlers {
  readonly requests: Readonly<Record<string, (peer: Peer, input: unknown, call: Call) => unknown>>;
  readonly events: Readonly<Record<string, (peer: Peer, input: unknown) => unknown>>;
  readonly topics: Readonly<Record<string, TopicHandlers>>;
  readonly hooks: Pick<Hooks, "upgrade" | "open" | "close">;
  readonly token: ((peer: Peer, token: string) => unknown) | undefined;
  readonly raw: Hooks | undefined;
  readonly history: History | undefined;
}

type Params = Readonly<Record<string, string>>;

interface TopicHandlers {
  readonly subscribe: true | ((peer: Peer, params: Params) => unknown);
  readonly snapshot?: (peer: Peer, params: Params) => unknown;
  readonly history?: TopicHistoryOptions;
  readonly presence?: (peer: Peer, params: Params) => unknown;
  readonly graceMs?: number;
}

const members = [
  "upgrade",
  "open",
  "close",
  "token",
  "raw",
  "limits",
  "history",
  "requests",
  "events",
  "topics",
];

/** @throws TypeError `SPRY_WS_CONTRACT` for a handler that is missing, unknown or no function */
export function checkImplementation<C extends Contract, Context>(
  contract: C,
  implementation: ServiceImplementation<C, Context>,
): Handlers {
  if (typeof implementation !== "object" || implementation === null)
    throw contractError("createService(spry, contract, implementation) takes an object of handlers");
  for (const name of Object.keys(implementation))
    if (!members.includes(name))
      throw contractError(`createService(): there is no "${name}"; there are ${members.join(", ")}`);
  const { requests, events, topics, ...others } = implementation as unknown as Handlers & Handlers["hooks"];
  const { upgrade, open, close, token, raw, history } = others;
  if (history !== undefined && !Object.values(contract.topics ?? {}).some(({ history }) => history))
    throw contractError(
      'createService(): "history" is nothing without a durable topic: write "history: true" beside its "message" in the contract',
    );
  for (const [name, hook] of Object.entries({ upgrade, open, close, token }))
    if (hook !== undefined && typeof hook !== "function")
      throw contractError(`createService(): "${name}" must be a function`);
  for (const [name, handler] of pairs(contract.topics, topics, "topics"))
    assertTopicHandlers(name, Object(handler), contract.topics?.[name]);
  assertFunctions(contract.requests, requests, "requests");
  assertFunctions(contract.events, events, "events");
  return {
    requests: requests ?? {},
    events: events ?? {},
    topics: topics ?? {},
    hooks: { ...(upgrade && { upgrade }), ...(open && { open }), ...(close && { close }) },
    token,
    raw,
    history,
  };
}

function assertTopicHandlers(
  pattern: string,
  { subscribe, snapshot, history, presence, graceMs }: Partial<TopicHandlers>,
  definition: TopicDefinition | undefined,
): void {
  if (subscribe !== true && typeof subscribe !== "function")
    throw contractError(
      `createService(): "topics" needs { subscribe } for "${pattern}": a function that says who may, or true for everybody`,
    );
  if (definition?.snapshot && typeof snapshot !== "function")
    throw contractError(
      `createService(): "topics" needs { snapshot } for "${pattern}": a function that makes what the contract says`,
    );
  if (!definition?.snapshot && snapshot !== undefined)
    throw contractError(
      `createService(): the topic "${pattern}" has no snapshot; write its schema beside "message" in the contract`,
    );
  if (!definition?.history && history !== undefined)
    throw contractError(
      `createService(): the topic "${pattern}" keeps no history; write "history: true" beside "message" in the contract`,
    );
  if (definition?.presence && typeof presence !== "function")
    throw contractError(
      `createService(): "topics" needs { presence } for "${pattern}": a function that gives { key, data } of a peer, or undefined for one that is no member`,
    );
  if (!definition?.presence && (presence ?? graceMs) !== undefined)
    throw contractError(
      `createService(): the topic "${pattern}" has no members; write "presence" with the schema of their data beside "message" in the contract`,
    );
  if (graceMs !== undefined && !(Number.isSafeInteger(graceMs) && graceMs >= 0 && graceMs <= maxGraceMs))
    throw contractError(
      `createService(): "graceMs" of "${pattern}" must be a whole number from 0 to ${maxGraceMs}, not ${String(graceMs)}`,
    );
}

/** An hour, in milliseconds: who is away for longer is not there. */
const maxGraceMs = 3_600_000;

function assertFunctions(defined: object | undefined, given: object | undefined, group: string): void {
  for (const [name, handler] of pairs(defined, given, group))
    if (typeof handler !== "function")
      throw contractError(`createService(): "${group}" needs a function for "${name}"`);
}

/**
 * The names of a group of the contract, each with the handler that was given for it.
 *
 * @throws TypeError `SPRY_WS_CONTRACT` for a handler whose name is not in the contract
 */
function pairs(defined: object = {}, given: object = {}, group: string): [string, unknown][] {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(defined, name))
      throw contractError(`createService(): the contract has no "${name}" among its ${group}`);
  return Object.keys(defined).map((name) => [name, (given as Record<string, unknown>)[name]]);
}

/** The definitions of the contract, by their names. */
export class Definitions {
  readonly version: string | undefined;
  readonly #requests: ReadonlyMap<string, RequestDefinition>;
  readonly #events: ReadonlyMap<string, Schema>;
  readonly #topics: ReadonlyMap<string, TopicDefinition>;
  readonly patterns: TopicPatterns;

  constructor({ version, requests = {}, events = {}, topics = {} }: Contract) {
    this.version = version;
    this.#requests = new Map(Object.entries(requests));
    this.#events = new Map(Object.entries(events));
    this.#topics = new Map(Object.entries(topics));
    this.patterns = new TopicPatterns(Object.keys(topics));
  }

  request(name: string): RequestDefinition | undefined {
    return this.#requests.get(name);
  }

  /** @throws ServiceError `unknown`, or `invalid` with the issues */
  eventInput(name: string, input: unknown): unknown {
    const schema = this.#events.get(name);
    if (!schema) throw new ServiceError("unknown", `there is no event "${name}"`);
    return parse(schema, input, `the input of "${name}"`);
  }

  /** Whether any topic has members. */
  get havePresence(): boolean {
    return [...this.#topics.values()].some(({ presence }) => presence);
  }

  /** The patterns of the topics that have a log. */
  get durable(): readonly string[] {
    return [...this.#topics.keys()].filter((pattern) => this.#topics.get(pattern)?.history);
  }

  /** @throws TypeError `SPRY_WS_CONTRACT` for a topic that is not in the contract */
  topic(pattern: string): TopicDefinition {
    const topic = this.#topics.get(pattern);
    if (topic) return topic;
    throw contractError(
      `the contract has no topic "${pattern}"; there are ${[...this.#topics.keys()].join(", ") || "none"}`,
    );
  }

  /** @throws TypeError `SPRY_WS_CONTRACT` for an unknown topic, or a message that does not fit */
  checkMessage(pattern: string, message: unknown): void {
    assertFits(this.topic(pattern).message, message, `the message for "${pattern}"`);
  }

  /** @throws TypeError `SPRY_WS_CONTRACT` for a snapshot that does not fit */
  checkSnapshot(pattern: string, snapshot: unknown): void {
    const { snapshot: schema } = this.topic(pattern);
    if (schema) assertFits(schema, snapshot, `the snapshot of "${pattern}"`);
  }

  /** @throws TypeError `SPRY_WS_CONTRACT` for data of a member that does not fit */
  checkMember(pattern: string, data: unknown): void {
    const { presence } = this.topic(pattern);
    if (presence) assertFits(presence, data, `the data of a member of "${pattern}"`);
  }
}
