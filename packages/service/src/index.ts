export * from "@spry-ws/contract";
export { type MemoryHistoryOptions, memoryHistory } from "./history/memory-history.ts";
export type {
  Call,
  EventHandler,
  RequestHandler,
  ServiceImplementation,
  StreamHandler,
  TopicImplementation,
} from "./implementation.ts";
export type { ServiceLimits } from "./options.ts";
export {
  createService,
  createTopicPublisher,
  type Service,
  type ServiceCarrier,
  type TopicPublisher,
} from "./service.ts";
