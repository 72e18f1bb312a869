import { contractError } from "./errors.ts";
import { type InputOf, isSchema, type OutputOf, type Schema } from "./schema.ts";
import { type ParamsOf, TopicPatterns } from "./topics.ts";

/** A request: what it takes, and its answer. */
export interface RequestDefinition {
  /** What the client sends. Without it the request takes nothing. */
  readonly input?: Schema;
  /** The answer. Without it, and without `stream`, the answer is `undefined`. */
  readonly output?: Schema;
  /** One of many answers, which come one by one: the handler is an async generator. In place of `output`. */
  readonly stream?: Schema;
  /**
   * Whether the request may run twice, because it only reads, or its effect is the same the second time. After a lost connection it
   * is then sent again to whatever process the client reaches. Other requests fail with `lost` in a process that does not know them.
   *
   * @default false
   */
  readonly repeatable?: boolean;
}

/** A topic, by its pattern. */
export interface TopicDefinition {
  /** What is published there. */
  readonly message: Schema;
  /**
   * Makes the topic durable: what is published is kept in a log for a while, and a subscriber gets each message once and in order,
   * whatever happens to its connection, or is told of a gap. Without it, who is not connected misses what is published.
   */
  readonly history?: true;
  /**
   * What a new subscriber gets first, and one for whom messages are missing: the state that the messages change, such as what a room
   * looks like. Only with `history: true`.
   */
  readonly snapshot?: Schema;
  /**
   * What each member of the topic says of itself, like a name: who is there is then known to the server and to every subscriber who
   * asks. Without it, the topic has no members.
   */
  readonly presence?: Schema;
}

/** What a page and a server say to each other. */
export interface Contract {
  /**
   * A page that was made for another version is closed with 4426, so that it can reload. Leave it out if old pages can live with every
   * change, like a new request or a new field.
   */
  readonly version?: string;
  /** The requests by their names: the client asks, a handler answers. */
  readonly requests?: Readonly<Record<string, RequestDefinition>>;
  /** The events by their names: from the client to the server, without an answer. */
  readonly events?: Readonly<Record<string, Schema>>;
  /** The topics by their patterns, like `"rooms/:room"`: from the server to every subscriber. */
  readonly topics?: Readonly<Record<string, TopicDefinition>>;
}

/** The names of a contract's requests that have one answer. */
export type RequestName<C extends Contract> = {
  [Name in keyof C["requests"]]: C["requests"][Name] extends { readonly stream: Schema } ? never : Name;
}[keyof C["requests"]] &
  string;

/** The names of a contract's requests that have a stream of answers. */
export type StreamName<C extends Contract> = {
  [Name in keyof C["requests"]]: C["requests"][Name] extends { readonly stream: Schema } ? Name : never;
}[keyof C["requests"]] &
  string;

/** The names of a contract's events. */
export type EventName<C extends Contract> = keyof C["events"] & string;

/** The patterns of a contract's topics. */
export type TopicPattern<C extends Contract> = keyof C["topics"] & string;

type Part<C extends Contract, Group extends keyof Contract, Name> = Name extends keyof C[Group]
  ? C[Group][Name]
  : never;

type Member<Definition, Key extends string> = Definition extends { readonly [K in Key]: infer S }
  ? S
  : undefined;

/** What the caller of a request gives. */
export type RequestInput<C extends Contract, Name> = InputOf<Member<Part<C, "requests", Name>, "input">>;

/** What the handler of a request gets: the input, validated. */
export type RequestArgument<C extends Contract, Name> = OutputOf<Member<Part<C, "requests", Name>, "input">>;

/** What the handler of a request returns, and its caller gets. */
export type RequestOutput<C extends Contract, Name> = InputOf<Member<Part<C, "requests", Name>, "output">>;

/** One of the answers of a stream. */
export type StreamChunk<C extends Contract, Name> = InputOf<Member<Part<C, "requests", Name>, "stream">>;

/** What the client sends with an event. */
export type EventInput<C extends Contract, Name> = InputOf<Part<C, "events", Name>>;

/** What the handler of an event gets: validated. */
export type EventArgument<C extends Contract, Name> = OutputOf<Part<C, "events", Name>>;

/** What is published to a topic, and its subscribers get. */
export type TopicMessage<C extends Contract, Pattern> = InputOf<
  Member<Part<C, "topics", Pattern>, "message">
>;

/** The patterns of a contract's durable topics: those with `history: true`. */
export type DurablePattern<C extends Contract> = {
  [Pattern in keyof C["topics"]]: C["topics"][Pattern] extends { readonly history: true } ? Pattern : never;
}[keyof C["topics"]] &
  string;

/** The snapshot of a durable topic, as its subscribers get it; `undefined` for a topic without one. */
export type TopicSnapshot<C extends Contract, Pattern> = InputOf<
  Member<Part<C, "topics", Pattern>, "snapshot">
>;

/** The patterns of a contract's topics that know who is there: those with `presence`. */
export type PresencePattern<C extends Contract> = {
  [Pattern in keyof C["topics"]]: C["topics"][Pattern] extends { readonly presence: Schema }
    ? Pattern
    : never;
}[keyof C["topics"]] &
  string;

/** What a member of a topic says of itself. */
export type PresenceData<C extends Contract, Pattern> = InputOf<
  Member<Part<C, "topics", Pattern>, "presence">
>;

/** The parameters of a topic. */
export type TopicParams<Pattern extends string> = ParamsOf<Pattern>;

/**
 * Checks a contract, and keeps its exact type, from which all other types are inferred. A server imports the contract; a page imports
 * only its type.
 *
 * What a client sends is validated by the server, and handlers get what the schema makes of it (defaults, transformations). What a
 * server sends is checked too, but sent as it was given, not as its schema transforms it. So its schemas should describe only what
 * JSON can carry.
 *
 * @throws TypeError `SPRY_WS_CONTRACT` for an unknown member, for what is no schema, or for topics that could have the same name
 * @example
 * export const chat = defineContract({
 *   requests: { say: { input: v.object({ room: v.string(), text: v.string() }) } },
 *   topics: { "rooms/:room": { message: v.object({ from: v.string(), text: v.string() }) } },
 * });
 */
export function defineContract<const C extends Contract>(contract: C): C {
  const { version, requests, events, topics } = known(contract, "a contract", contractMembers);
  if (version !== undefined && typeof version !== "string")
    throw contractError(`"version" of a contract must be a string, not ${JSON.stringify(version)}`);
  for (const [name, request] of entries(requests, "requests")) {
    assertName(name, "request");
    const what = `the request "${name}"`;
    const { repeatable, ...schemas } = known(request, what, requestMembers);
    for (const [member, schema] of Object.entries(schemas))
      if (schema !== undefined) assertSchema(schema, `${what}: "${member}"`);
    if (schemas.output !== undefined && schemas.stream !== undefined)
      throw contractError(`${what} has both "output" and "stream"; its answer is one value, or many`);
    if (repeatable !== undefined && typeof repeatable !== "boolean")
      throw contractError(`${what}: "repeatable" must be true or false`);
  }
  for (const [name, schema] of entries(events, "events")) {
    assertName(name, "event");
    assertSchema(schema, `the event "${name}"`);
  }
  for (const [pattern, topic] of entries(topics, "topics")) {
    const what = `the topic "${pattern}"`;
    const { message, history, snapshot, presence } = known(topic, what, topicMembers);
    assertSchema(message, `${what}: "message"`);
    if (presence !== undefined) assertSchema(presence, `${what}: "presence"`);
    if (history !== undefined && history !== true)
      throw contractError(`${what}: "history" must be true, or left out for a topic without a log`);
    if (snapshot === undefined) continue;
    assertSchema(snapshot, `${what}: "snapshot"`);
    if (!history) throw contractError(`${what} has a "snapshot", which needs "history: true" beside it`);
  }
  new TopicPatterns(Object.keys(topics ?? {}));
  return contract;
}

const contractMembers = ["version", "requests", "events", "topics"] as const;
const requestMembers = ["input", "output", "stream", "repeatable"] as const;
const topicMembers = ["message", "history", "snapshot", "presence"] as const;

/** The longest name of a request or event, in UTF-16 code units. */
const maxNameLength = 128;

function assertName(name: string, kind: string): void {
  if (name === "" || name.length > maxNameLength)
    throw contractError(
      `the name of a ${kind} has 1 to ${maxNameLength} characters, not ${JSON.stringify(name)}`,
    );
}

function known<T extends object>(value: T, what: string, members: readonly string[]): T {
  if (typeof value !== "object" || value === null) throw contractError(`${what} must be an object`);
  for (const member of Object.keys(value)) {
    if (members.includes(member)) continue;
    const hint = isSchema(value)
      ? "; it is a schema: write { input: schema }, or { message: schema } for a topic"
      : "";
    throw contractError(`${what} has no "${member}"; there are ${members.join(", ")}${hint}`);
  }
  return value;
}

function entries<T>(group: Readonly<Record<string, T>> | undefined, name: string): [string, T][] {
  if (group === undefined) return [];
  if (typeof group !== "object" || group === null)
    throw contractError(`"${name}" of a contract must be an object`);
  return Object.entries(group);
}

function assertSchema(value: unknown, what: string): void {
  if (isSchema(value)) return;
  throw contractError(
    `${what} is no schema: it must implement Standard Schema (https://standardschema.dev), as those of zod, valibot and arktype do`,
  );
}
