export * from "@spry-ws/core";
export { type ExpressSpryWs, spryWs } from "./plugin.ts";
export type { WsRoute } from "./types.ts";
export { useExpressRequest, ws } from "./ws.ts";
