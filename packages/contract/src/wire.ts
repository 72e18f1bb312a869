/**
 * What both sides of `spry.v1` need: the frames, the names of topics, the checks of values. For those who write their own client or
 * service.
 *
 * @module
 */

export { isFinal } from "./close-codes.ts";
export { contractError } from "./errors.ts";
export {
  type ClientFrame,
  decodeClientFrame,
  decodeServerFrame,
  encodeFrame,
  type Failure,
  type Position,
  type Presence,
  type ServerFrame,
  type Subscription,
  type SubscriptionState,
  subprotocol,
  WireError,
} from "./frames.ts";
export { decodePosition, encodePosition, type LogPosition } from "./positions.ts";
export { assertFits, isSchema, parse } from "./schema.ts";
export { maxTopicLength, type TopicMatch, TopicPatterns, topicOf } from "./topics.ts";
