export type { FastifyApp, KoaApp, ListenerApp, TestableApp } from "./app.ts";
export type { TestClient, WaitOptions } from "./client.ts";
export type { Closure } from "./closure.ts";
export { type ConnectOptions, connect, refused } from "./connect.ts";
export type { TestError, TestErrorCode } from "./errors.ts";
export { createNetwork, type Direction, type Network, type NetworkConditions } from "./network.ts";
export type { RefusedHandshake } from "./refused-handshake.ts";
