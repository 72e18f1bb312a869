import type { AsyncResource } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { EventState } from "../event.ts";
import type { Hooks } from "../hooks.ts";
import type { ErrorContext } from "../options.ts";
import type { Instance } from "../spry-ws.ts";

/** What the route's `ws(hooks)` handler leaves with the handshake when the `upgrade` hook has accepted it. */
export interface Acceptance {
  readonly hooks: Hooks;
  readonly state: EventState;
  readonly context: unknown;
  readonly protocol: string | undefined;
  /** Names and values for the 101, from the `upgrade` hook. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The request's async context, in which all hooks run. */
  readonly scope: AsyncResource;
  /** The framework's logger. Never throws. */
  report(error: unknown, context: ErrorContext): void;
}

const kHandshake = Symbol("spry-ws handshake");

interface MarkedRequest extends IncomingMessage {
  [kHandshake]?: Handshake;
}

/**
 * One opening handshake on its way through the framework: from the server's `upgrade` event until the response to it has
 * ended, or the client has gone.
 */
export class Handshake {
  readonly instance: Instance;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent right behind its request: early frames. */
  head: Buffer;
  /** The request target, before any router changes `request.url`. */
  readonly target: string;
  /** Set when a `ws(hooks)` handler has taken the request. */
  isRouted = false;
  acceptance: Acceptance | undefined;
  /** The response has ended or the client has gone. */
  hasEnded = false;

  constructor(instance: Instance, request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.instance = instance;
    this.request = request;
    this.socket = socket;
    this.head = head;
    this.target = request.url ?? "/";
    (request as MarkedRequest)[kHandshake] = this;
  }

  /** The handshake a request belongs to; undefined for an ordinary request. */
  static of(request: IncomingMessage): Handshake | undefined {
    return (request as MarkedRequest)[kHandshake];
  }

  /** Whether the response is still open and the client still there. */
  get isPending(): boolean {
    return !this.hasEnded && !this.socket.destroyed;
  }

  /** The response has ended or the client has gone. The request may live on with the peer: lets go of the rest. */
  end(): void {
    this.hasEnded = true;
    this.acceptance = undefined;
    this.head = empty;
  }
}

const empty = Buffer.alloc(0);
