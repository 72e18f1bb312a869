export {
  type Contract,
  type DurablePattern,
  defineContract,
  type EventArgument,
  type EventInput,
  type EventName,
  type PresenceData,
  type PresencePattern,
  type RequestArgument,
  type RequestDefinition,
  type RequestInput,
  type RequestName,
  type RequestOutput,
  type StreamChunk,
  type StreamName,
  type TopicDefinition,
  type TopicMessage,
  type TopicParams,
  type TopicPattern,
  type TopicSnapshot,
} from "./contract.ts";
export { type FailureCode, type Issue, ServiceError, type ServiceErrorOptions } from "./errors.ts";
export type { InputOf, OutputOf, Schema } from "./schema.ts";
