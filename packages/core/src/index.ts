export {
  getClientAddress,
  setClientAddress,
  useHeaders,
  useParam,
  useParams,
  useRequest,
  useRequestURI,
} from "./composables.ts";
export { isSpryWsError, type SpryWsError, type SpryWsErrorCode } from "./errors.ts";
export type { Event, RouteParams } from "./event.ts";
export {
  defineHooks,
  type Hooks,
  type HooksSource,
  type UpgradeAcceptance,
  type UpgradeResult,
} from "./hooks.ts";
export { createSpryWs, type HttpHandler, type HttpSpryWs } from "./http.ts";
export { Message, type MessageData } from "./message.ts";
export type { ErrorContext, PerMessageDeflateOptions, SpryWsOptions } from "./options.ts";
export { type Peer, ReadyState, type SendOptions } from "./peer.ts";
export type { CloseOptions, SpryWs } from "./spry-ws.ts";
