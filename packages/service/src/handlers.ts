import { type Contract, type RequestDefinition, type Schema, ServiceError } from "@spry-ws/contract";
import { assertFits, contractError, parse, TopicPatterns } from "@spry-ws/contract/wire";
import type { Hooks, Peer } from "@spry-ws/core";
import type { Call, ServiceImplementation } from "./implementation.ts";

/** The handlers of a service, without the types of the contract: inputs have been validated by its schemas. */
export interface Handlers {
  readonly requests: Readonly<Record<string, (peer: Peer, input: unknown, call: Call) => unknown>>;
  readonly events: Readonly<Record<string, (peer: Peer, input: unknown) => unknown>>;
  readonly topics: Readonly<Record<string, { readonly subscribe: true | SubscribeHandler }>>;
  readonly hooks: Pick<Hooks, "upgrade" | "open" | "close">;
  readonly token: ((peer: Peer, token: string) => unknown) | undefined;
  readonly raw: Hooks | undefined;
}

type SubscribeHandler = (peer: Peer, params: Readonly<Record<string, string>>) => unknown;

const members = ["upgrade", "open", "close", "token", "raw", "limits", "requests", "events", "topics"];

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
  const { upgrade, open, close, token, raw } = others;
  for (const [name, hook] of Object.entries({ upgrade, open, close, token }))
    if (hook !== undefined && typeof hook !== "function")
      throw contractError(`createService(): "${name}" must be a function`);
  for (const [name, subscribe] of pairs(contract.topics, topics, "topics")) {
    const member = (subscribe as { subscribe?: unknown })?.subscribe;
    if (member !== true && typeof member !== "function")
      throw contractError(
        `createService(): "topics" needs { subscribe } for "${name}": a function that says who may, or true for everybody`,
      );
  }
  assertFunctions(contract.requests, requests, "requests");
  assertFunctions(contract.events, events, "events");
  return {
    requests: requests ?? {},
    events: events ?? {},
    topics: topics ?? {},
    hooks: { ...(upgrade && { upgrade }), ...(open && { open }), ...(close && { close }) },
    token,
    raw,
  };
}

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
  readonly #topics: ReadonlyMap<string, Schema>;
  readonly patterns: TopicPatterns;

  constructor({ version, requests = {}, events = {}, topics = {} }: Contract) {
    this.version = version;
    this.#requests = new Map(Object.entries(requests));
    this.#events = new Map(Object.entries(events));
    this.#topics = new Map(Object.entries(topics).map(([pattern, { message }]) => [pattern, message]));
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

  /** @throws TypeError `SPRY_WS_CONTRACT` for an unknown topic, or a message that does not fit */
  checkMessage(pattern: string, message: unknown): void {
    const schema = this.#topics.get(pattern);
    if (!schema)
      throw contractError(
        `the contract has no topic "${pattern}"; there are ${[...this.#topics.keys()].join(", ") || "none"}`,
      );
    assertFits(schema, message, `the message for "${pattern}"`);
  }
}
