export * from "@spry-ws/core";
export { type KoaSpryWs, spryWs } from "./plugin.ts";
export type { WsMiddleware } from "./types.ts";
export { useKoaContext, ws } from "./ws.ts";
