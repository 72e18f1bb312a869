export { type FailureCode, type Issue, ServiceError } from "@spry-ws/contract";
export type { BackoffOptions } from "./backoff.ts";
export { type Client, connect } from "./client.ts";
export type { ConnectionOptions, Status, UrlSource } from "./connection.ts";
export type { ClientOptions } from "./options.ts";
export type { Presence, PresenceChange, PresenceMember, PresenceOf, PresenceState } from "./presence.ts";
export {
  ReconnectingSocket,
  type ReconnectingSocketEvents,
  type ReconnectingSocketOptions,
} from "./reconnecting-socket.ts";
export type { RequestOptions } from "./requests.ts";
export type { TopicFrom, TopicHandle, TopicItem, TopicItemOf, TopicOptions, TopicState } from "./topic.ts";
export type { SocketData, WebSocketClass, WebSocketLike } from "./websocket.ts";
