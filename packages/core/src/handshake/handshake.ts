import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Connection } from "../connection/connection.ts";
import type { Acceptance, ConnectionOwner } from "../connection/opening.ts";
import { channels } from "../observe/channels.ts";
import type { Histograms } from "../observe/histograms.ts";
import type { RefusalReason } from "../observe/metrics.ts";
import type { Speaking } from "../speakers.ts";
import type { AddressCounter } from "./address.ts";
import type { ProtocolEngine } from "./engine.ts";
import type { Notices } from "./notices.ts";
import type { OriginLog } from "./origin.ts";
import { createResponse } from "./response.ts";

/** Whose handshakes they are: the instance. */
export interface HandshakeOwner extends ConnectionOwner<Connection>, Speaking {
  readonly handshakes: HandshakesUnderWay;
  readonly engine: ProtocolEngine;
  /** Undefined where nothing is measured. */
  readonly histograms: Histograms | undefined;
  /** How many connections are open. */
  readonly connections: { readonly size: number };
  /** What an adapter does with the request and response of a handshake before its framework sees them. */
  readonly prepare: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Whether handshakes are refused, on all servers or on this one. */
  isClosing(server: Server): boolean;
  attach(server: Server): void;
  /** A server has been told to close; settles when its peers are gone. Undefined where there are none. */
  closeServer(server: Server): Promise<void> | undefined;
  /** A server that was closed listens again. */
  reopenServer(server: Server): void;
}

/** The handshakes of an instance that are under way. */
export interface HandshakesUnderWay {
  /** What `maxPeersPerAddress` counts. */
  readonly clients: AddressCounter;
  readonly origins: OriginLog;
  readonly notices: Notices;
  /** How many of them count for `maxPeers`. */
  admitted: number;
  add(handshake: Handshake): void;
  delete(handshake: Handshake): void;
  /** Its time begins to run. */
  startDeadline(handshake: Handshake): void;
}

/** How a handshake ended. */
export type Outcome = "accepted" | "aborted" | "forwarded" | RefusalReason;

const kHandshake = Symbol("spry-ws handshake");

/** Shared, as most have none. */
export const noCookies: readonly string[] = [];

/** When the handshake has been accepted the request lives on with the peer, and keeps no more of it than who accepted it. */
interface MarkedRequest extends IncomingMessage {
  [kHandshake]?: Handshake | HandshakeOwner | undefined;
}

/**
 * One opening handshake on its way through the framework: from the server's `upgrade` event until the response to it has
 * ended, or the client has gone.
 */
export class Handshake {
  /** Whose it is. With several on one server: the one whose middleware it has passed last, and the first one until then. */
  instance: HandshakeOwner;
  readonly server: Server;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent right behind its request: early frames. */
  head: Buffer;
  /** The request target, before any router changes `request.url`. */
  readonly target: string;
  /** The response that the framework gets. */
  response: ServerResponse | undefined;
  /** Offers the handshake to the server's other `upgrade` listeners; undefined where there are none. */
  offer: (() => void) | undefined;
  /** Set when the adapter has seen the request: what answers it before that may be another library's listener. */
  isSeen = false;
  /** Set while it could be of several instances, and has passed the middleware of none. */
  isUndecided = false;
  /** Set when a `ws(hooks)` handler has taken the request. */
  isRouted = false;
  /** Set when the route's hooks are known, and those of no service: they are refused as ever. */
  isRaw = false;
  /** Set when the origin has been checked. */
  isOriginAllowed = false;
  acceptance: Acceptance | undefined;
  /** `Set-Cookie` of headers that `writeHead` was given, which Node does not keep on the response. */
  cookies: readonly string[] = noCookies;
  /** What a refusal that is under way is counted as. */
  refusalReason: RefusalReason = "framework";
  /** Why, where it is core's own. */
  refusalText = "";
  /** Set when it counts for `maxPeers`. */
  isAdmitted = false;
  /** Whom `maxPeersPerAddress` counts this for. */
  client: string | undefined;
  /** The response has ended or the client has gone. */
  hasEnded = false;
  readonly beganAt: number = performance.now();
  /** Listens while the handshake is watched. */
  #onGone: (() => void) | undefined;

  constructor(
    instance: HandshakeOwner,
    server: Server,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ) {
    this.instance = instance;
    this.server = server;
    this.request = request;
    this.socket = socket;
    this.head = head;
    this.target = request.url ?? "/";
    this.response = createResponse(request, socket);
    (request as MarkedRequest)[kHandshake] = this;
    instance.handshakes.add(this);
    if (channels.handshake.hasSubscribers) channels.handshake.publish({ request });
  }

  /** The handshake a request belongs to; undefined for an ordinary request, and when it has been accepted. */
  static of(request: IncomingMessage): Handshake | undefined {
    const mark = (request as MarkedRequest)[kHandshake];
    return mark instanceof Handshake ? mark : undefined;
  }

  /** The instance that has accepted the request's handshake; undefined for every other request. */
  static acceptedBy(request: IncomingMessage): HandshakeOwner | undefined {
    const mark = (request as MarkedRequest)[kHandshake];
    return mark instanceof Handshake ? undefined : mark;
  }

  /** Whether the response is still open and the client still there. */
  get isPending(): boolean {
    return !this.hasEnded && !this.socket.destroyed;
  }

  /** Ends the handshake when the client goes away or it takes too long. */
  watch(): void {
    this.instance.handshakes.startDeadline(this);
    this.#onGone = () => this.#gone();
    this.socket.once("close", this.#onGone);
    this.socket.once("end", this.#onGone);
  }

  /** Nothing waits any more. Called before `ws` listens: a list of two listeners keeps the room for more than ten that a third has made. */
  unwatch(): void {
    if (!this.#onGone) return;
    this.socket.removeListener("close", this.#onGone);
    this.socket.removeListener("end", this.#onGone);
    this.#onGone = undefined;
  }

  /** It has passed another instance's middleware. From here on that one's limits hold, and it is counted there. */
  moveTo(instance: HandshakeOwner): void {
    this.isUndecided = false;
    if (instance === this.instance || this.hasEnded || this.acceptance) return;
    this.#leaveInstance();
    if (this.client !== undefined) this.instance.handshakes.clients.release(this.client);
    this.client = undefined;
    this.instance = instance;
    instance.handshakes.add(this);
    instance.handshakes.startDeadline(this);
  }

  #leaveInstance(): void {
    this.instance.handshakes.delete(this);
    if (this.isAdmitted) this.instance.handshakes.admitted--;
    this.isAdmitted = false;
  }

  #measure(histograms: Histograms, outcome: "accepted" | "refused"): void {
    histograms.handshake(this, outcome, performance.now() - this.beganAt);
  }

  /**
   * The client has gone. One that has only ended its side has too, as for any request (Node's `httpAllowHalfOpen` is off); behind
   * bytes that it sent before the 101 its end is seen when these are read.
   */
  #gone(): void {
    const { request, socket } = this;
    this.end("aborted");
    request.destroy(); // Tells what waits for the request: `aborted`, `close`.
    socket.destroy();
  }

  /**
   * Ends the handshake, once. The request may live on with the peer: lets go of the rest.
   *
   * The request is read to its end then, as Node does for any other whose response has finished: so it emits `close`, for
   * which middleware waits that has something to release. That of a neighbour is left to it for as long as the connection lives.
   */
  end(outcome: Outcome): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.unwatch();
    const { request } = this;
    if (outcome === "forwarded") destroyBehind(this.socket, request);
    else if (outcome !== "aborted") request.resume();
    this.acceptance = undefined;
    this.response = undefined;
    this.offer = undefined;
    this.head = empty;
    const { instance, client } = this;
    const { counters } = instance;
    this.#leaveInstance();
    if (outcome === "accepted") {
      counters.accepted++;
      if (instance.histograms) this.#measure(instance.histograms, "accepted");
      (request as MarkedRequest)[kHandshake] = instance;
      return;
    }
    if (client !== undefined) instance.handshakes.clients.release(client);
    if (outcome === "aborted" || outcome === "forwarded") {
      counters[outcome]++;
      return;
    }
    counters.refused[outcome]++;
    if (instance.histograms) this.#measure(instance.histograms, "refused");
    if (channels.refused.hasSubscribers) channels.refused.publish({ request, reason: outcome });
  }
}

/** A closure over the request alone: a neighbour's connection may be there for long. */
function destroyBehind(socket: Duplex, request: IncomingMessage): void {
  socket.once("close", () => request.destroy());
}

const empty = Buffer.alloc(0);
