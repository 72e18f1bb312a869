export * from "@spry-ws/core";
export { spryWs, spryWs as default } from "./plugin.ts";
export type { WsHandler, WsRoute } from "./types.ts";
export { useFastifyRequest, ws } from "./ws.ts";
