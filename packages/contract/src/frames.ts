import { maxTopicLength } from "./topics.ts";

/**
 * The frames of the subprotocol `spry.v1`, which docs/reference/protocol.md describes for those who write a client.
 *
 * A frame is a JSON array in a text message; its first element is its kind. If its value is bytes, it is a binary message: the array
 * without the value, a line feed, and the bytes. Unknown kinds are ignored, and so are elements after the known ones: so either side
 * may be newer than the other.
 */
export const subprotocol: "spry.v1" = "spry.v1";

/**
 * Where a subscriber is in the log of a durable topic: only the service knows what it means. What a client subscribes with may also be
 * null (what is published from now on), `"start"` (all that is kept) or `"last:50"`. Null in the frames of a topic without a log.
 */
export type Position = string | null;

/** A topic, and the position that the client has reached. */
export type Subscription = readonly [topic: string, position?: Position];

/** Why a request failed, as it is sent. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly issues?: readonly { readonly message: string; readonly path?: readonly (string | number)[] }[];
}

/**
 * Who is there, or what has changed: with `all` the members, or a part of them; with `set` and `gone` those that have come or changed, and
 * the keys of those that have left; with neither only how many there are. Members are pairs of a key and its data.
 */
export interface Presence {
  /** How many members there are. */
  readonly count: number;
  /** All members, or a part of them: they are complete when `count` of them have come. */
  readonly all?: readonly (readonly [key: string, data: unknown])[];
  /** With `all`: how many have come in the parts before. With 0, or without it, the list begins. */
  readonly from?: number;
  readonly set?: readonly (readonly [key: string, data: unknown])[];
  readonly gone?: readonly string[];
}

export type ClientFrame =
  /** Hello: who the client is, what it is subscribed to, and the version of its contract. */
  | readonly ["h", clientId: string, subscriptions: readonly Subscription[], version?: string | null]
  | readonly ["s", topic: string, position?: Position]
  /** Unsubscribes. `pauses`, where not 0: only for now, and for a while the client stays one of those who are there. */
  | readonly ["u", topic: string, pauses?: number]
  /** Asks who is there, in a topic that is subscribed to; with 0, no more. */
  | readonly ["p", topic: string, looks: number]
  /** A request. `first`, if it was sent before: the peer id of the first connection that it was sent on. */
  | readonly ["q", n: number, name: string, input: unknown, first?: string | null]
  /** The client does not want the answer of a request any more. */
  | readonly ["x", n: number]
  | readonly ["e", name: string, input: unknown]
  /** The client has got the answers of all requests up to n. */
  | readonly ["a", n: number]
  | readonly ["t", token: string]
  /** A probe. The service answers with a heartbeat. */
  | readonly [];

export type ServerFrame =
  | readonly ["h", peerId: string, heartbeatMs: number]
  /** The answer to a subscription. What comes is behind the position. */
  | readonly ["s", topic: string, state: SubscriptionState, position?: Position, snapshot?: unknown]
  /** The answer of a request, or the end of a stream. */
  | readonly ["r", n: number, output?: unknown]
  /** One of the answers of a stream. */
  | readonly ["c", n: number, chunk: unknown]
  | readonly ["f", n: number, failure: Failure]
  | readonly ["m", topic: string, position: Position, data: unknown]
  /** Messages are missing up to the position. */
  | readonly ["g", topic: string, position: Position, snapshot?: unknown]
  | readonly ["P", topic: string, presence: Presence]
  /** The server is going away: come back after so many milliseconds. `code` and `reason` are those of the close frame behind it, where it
   * is not just going away (1001). */
  | readonly ["b", retryAfterMs: number, code?: number, reason?: string]
  /** A heartbeat. */
  | readonly [];

/**
 * - `live`: what follows begins where the client has asked for
 * - `resumed`: nothing is missing behind the position that the client has sent
 * - `gap`: something may be missing behind it
 * - `refused`: the client is not subscribed
 */
export type SubscriptionState = "live" | "resumed" | "gap" | "refused";

/**
 * The elements of a frame after its kind: `s` a short string, `t` a token, `n` a whole number from 0, `p` a position or null, `v` any
 * value, `l` a list of subscriptions, `f` a failure, `w` who is there. Those after `?` may be missing, or null.
 */
type Shapes = Readonly<Record<string, string>>;

const clientShapes: Shapes = {
  h: "sl?s",
  s: "s?p",
  u: "s?n",
  p: "sn",
  q: "nsv?s",
  x: "n",
  e: "sv",
  a: "n",
  t: "t",
};

const serverShapes: Shapes = {
  h: "sn",
  s: "ss?pv",
  r: "n?v",
  c: "nv",
  f: "nf",
  m: "spv",
  g: "sp?v",
  P: "sw",
  b: "n?ns",
};

/** What has come is no frame: the other side does not speak the protocol. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/**
 * Writes a frame: text, or bytes where its value is bytes.
 *
 * @throws TypeError for a value that JSON cannot write: a BigInt, a cycle
 */
export function encodeFrame(frame: ClientFrame | ServerFrame): string | Uint8Array<ArrayBuffer> {
  let at = frame.length - 1;
  while (at >= 0 && !(frame[at] instanceof Uint8Array)) at--;
  // JSON has no undefined, and would make it null.
  if (at < 0) return JSON.stringify(frame[frame.length - 1] === undefined ? frame.slice(0, -1) : frame);
  const payload = frame[at] as Uint8Array;
  const header = new TextEncoder().encode(`${JSON.stringify(frame.filter((_, i) => i !== at))}\n`);
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

/**
 * Reads a frame of a client. Undefined if this version does not know its kind.
 *
 * @throws WireError for what is no frame
 */
export function decodeClientFrame(data: string | Uint8Array): ClientFrame | undefined {
  return decode(data, clientShapes, inClientFrames) as ClientFrame | undefined;
}

/**
 * Reads a frame of a service. Undefined if this version does not know its kind.
 *
 * @throws WireError for what is no frame
 */
export function decodeServerFrame(data: string | Uint8Array): ServerFrame | undefined {
  return decode(data, serverShapes, inServerFrames) as ServerFrame | undefined;
}

const lineFeed = 10;
/** In characters. A JWT with many claims has a few thousand; servers refuse headers of more than 16 KiB. */
const maxTokenLength = 16_384;

function decode(data: string | Uint8Array, shapes: Shapes, checks: Checks): readonly unknown[] | undefined {
  if (typeof data === "string") return check(parse(data), shapes, checks);
  const end = data.indexOf(lineFeed);
  const frame = parse(new TextDecoder().decode(data.subarray(0, Math.max(end, 0))));
  const shape = shapeOf(frame, shapes);
  // Where the kind is unknown, so is the place of the bytes.
  if (shape === undefined) return undefined;
  const at = shape.replace("?", "").indexOf("v");
  if (at < 0) throw new WireError(`a frame of the kind "${frame[0]}" carries no bytes`);
  frame.splice(at + 1, 0, data.subarray(end + 1));
  return check(frame, shapes, checks);
}

function parse(text: string): unknown[] {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {}
  if (Array.isArray(frame)) return frame;
  throw new WireError("a frame must be a JSON array");
}

function check(frame: unknown[], shapes: Shapes, checks: Checks): readonly unknown[] | undefined {
  if (frame.length === 0) return frame;
  const shape = shapeOf(frame, shapes);
  if (shape === undefined) return undefined;
  let at = 1;
  let isOptional = false;
  // By index: an iterator over the letters costs more than all the checks.
  for (let i = 0; i < shape.length; i++) {
    const letter = shape[i] as string;
    if (letter === "?") {
      isOptional = true;
      continue;
    }
    const element = frame[at] ?? undefined;
    const isFine = element === undefined && (isOptional || letter === "v" || letter === "p");
    if ((at >= frame.length && !isOptional) || !(isFine || checks[letter]?.(element)))
      throw new WireError(`element ${at} of a frame of the kind "${frame[0]}" is not what it must be`);
    at++;
  }
  return frame;
}

/** Undefined for a kind that is not known. One that is no string is none, and nothing is made a string here: that of deep arrays has no end. */
function shapeOf(frame: readonly unknown[], shapes: Shapes): string | undefined {
  const kind = frame[0];
  return typeof kind === "string" && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
}

type Checks = Readonly<Record<string, (value: unknown) => boolean>>;

const isText = (value: unknown): boolean => typeof value === "string" && value.length <= maxTopicLength;

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const inEveryFrame: Checks = {
  s: isText,
  p: isText,
  n: isCount,
  v: () => true,
};

const inClientFrames: Checks = {
  ...inEveryFrame,
  t: (value) => typeof value === "string" && value.length <= maxTokenLength,
  l: (value) => isListOf(isSubscription, value),
};

const inServerFrames: Checks = {
  ...inEveryFrame,
  w: isPresence,
  f: (value) => typeof Object(value).code === "string" && typeof Object(value).message === "string",
};

function isSubscription(value: unknown): boolean {
  return isMember(value) && isText((value as unknown[])[1] ?? "");
}

function isPresence(value: unknown): boolean {
  const { count, all = [], set = [], gone = [] } = Object(value) as Partial<Presence>;
  return isCount(count) && isListOf(isMember, all) && isListOf(isMember, set) && isListOf(isText, gone);
}

function isMember(value: unknown): boolean {
  return Array.isArray(value) && isText(value[0]);
}

function isListOf(isItem: (value: unknown) => boolean, value: unknown): boolean {
  return Array.isArray(value) && value.every(isItem);
}
