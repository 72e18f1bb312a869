export * from "@spry-ws/contract";
export { type MemoryHistoryOptions, memoryHistory } from "./history/memory-history.ts";
export type { Published, PublishOptions } from "./history/publishing.ts";
export type {
  Call,
  DurableTopicImplementation,
  EventHandler,
  PresenceImplementation,
  RequestHandler,
  ServiceImplementation,
  SnapshotImplementation,
  StreamHandler,
  TopicHistoryOptions,
  TopicImplementation,
} from "./implementation.ts";
export type { ServiceLimits } from "./options.ts";
export { type PeerPresence, type PeerPresenceOptions, presence } from "./presence/peer-presence.ts";
export type {
  PresenceChange,
  PresenceListener,
  PresenceMember,
  PresenceOptions,
  PresenceView,
} from "./presence/view.ts";
export { createService, type Service, type ServicePresence } from "./service.ts";
export {
  createTopicPublisher,
  type HistoryPublisher,
  type HistoryPublisherOptions,
  type TopicPublisher,
  type TopicPublisherOptions,
} from "./topic-publisher.ts";
export type { ServiceCarrier } from "./topics-publisher.ts";
