export * from "./vue.ts";
