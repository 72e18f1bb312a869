import type { AsyncResource } from "node:async_hooks";
import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { EventState } from "../event.ts";
import type { Hooks } from "../hooks.ts";
import type { MessageData } from "../message.ts";
import type { Counters } from "../observe/metrics.ts";
import type { ErrorContext } from "../options/options.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { Subscriber, Topics } from "../topics.ts";
import type { CountingSocket } from "./liveness.ts";

/** What the route's `ws(hooks)` handler leaves with the handshake when the `upgrade` hook has accepted it. */
export interface Acceptance {
  readonly hooks: Hooks;
  readonly state: EventState;
  readonly context: unknown;
  readonly protocol: string | undefined;
  /** Names and values for the 101, from the `upgrade` hook. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** When the peer's credentials expire, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** The request's async context, in which all hooks run. */
  readonly scope: AsyncResource;
  /** Lets go of what the framework keeps for an answer; called when the response has closed. */
  readonly release: (() => void) | undefined;
}

/** What a connection is made of when its handshake is complete. */
export interface Opening<Connection> {
  readonly owner: ConnectionOwner<Connection>;
  readonly server: Server;
  readonly socket: Duplex & CountingSocket;
  readonly websocket: WebSocket;
  /** Whom `maxPeersPerAddress` counts it for. */
  readonly client: string | undefined;
  readonly acceptance: Acceptance;
}

/** Whose connections they are: the instance. */
export interface ConnectionOwner<Connection> {
  readonly options: ResolvedOptions;
  readonly counters: Counters;
  readonly topics: Topics;
  /** Sends to all subscribers, here and elsewhere, but `sender`. */
  publishFrom(sender: Subscriber, topic: string, data: MessageData, caller: string): void;
  /** Takes an error that no hook takes. */
  report(error: unknown, context: ErrorContext, log?: ((error: unknown) => unknown) | undefined): void;
  /** A connection has opened. */
  opened(connection: Connection): void;
  /** Its socket is closed; hooks of it may run or wait. @param client whom `maxPeersPerAddress` counted it for */
  ended(connection: Connection, client: string | undefined): void;
  /** Its last hook has settled. */
  settled(connection: Connection): void;
}
