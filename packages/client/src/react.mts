export * from "./react.ts";
