export { memoryBackplane } from "./backplane/memory-backplane.ts";
export { nodeCluster, serveNodeCluster } from "./backplane/node-cluster.ts";
export { createPublisher, type Publisher, type PublisherOptions } from "./backplane/publisher.ts";
export type { ReadyOptions } from "./backplane/relay.ts";
export type {
  Backplane,
  BackplaneDownDetails,
  BackplaneEvents,
  BackplaneLink,
  BackplaneMessage,
  BackplaneRefusal,
  BackplaneUpDetails,
} from "./backplane.ts";
export {
  getClientAddress,
  type SubprotocolToken,
  setClientAddress,
  useHeaders,
  useParam,
  useParams,
  useRequest,
  useRequestURI,
  useSubprotocolToken,
} from "./composables.ts";
export { defineHooks } from "./define-hooks.ts";
export { isSpryWsError, type SpryWsError, type SpryWsErrorCode } from "./errors.ts";
export type { Event, RouteParams } from "./event.ts";
export type {
  History,
  HistoryAppend,
  HistoryEntry,
  HistoryEvents,
  HistoryLink,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
  HistoryRetention,
} from "./history.ts";
export type {
  Hooks,
  HooksSource,
  PeerHooks,
  UpgradeAcceptance,
  UpgradeResult,
} from "./hooks.ts";
export { createSpryWs, type HttpFallback, type HttpHandler, type HttpSpryWs } from "./http.ts";
export type {
  AnyUpgradeResult,
  CheckedResult,
  ContextOf,
  HooksInput,
  HooksSourceInput,
  InferredContext,
  UpgradeResultOf,
} from "./infer-context.ts";
export { Message, type MessageData } from "./message.ts";
export type { HistogramMetric } from "./observe/histograms.ts";
export type { Metrics, RefusalReason, TerminationReason } from "./observe/metrics.ts";
export { metricsContentType } from "./observe/openmetrics.ts";
export type { CountOptions } from "./options/call-options.ts";
export type { CloseOptions } from "./options/close-options.ts";
export type {
  BackplaneBufferOptions,
  ErrorContext,
  HeartbeatOptions,
  HistogramOptions,
  OriginPolicy,
  PerMessageDeflateOptions,
  RateLimitOptions,
  SendBufferOptions,
  SpryWsOptions,
} from "./options/options.ts";
export { type Peer, ReadyState, type SendOptions } from "./peer.ts";
export type { SpryWs } from "./spry-ws.ts";
