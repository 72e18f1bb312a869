export * from "./index.ts";
export { spryWs as default } from "./index.ts";
