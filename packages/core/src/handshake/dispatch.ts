import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { answerInstead, interceptAnswer } from "./answer.ts";
import { Handshake, type HandshakeOwner } from "./handshake.ts";
import { matchesPath } from "./path.ts";
import { afterEarlierResponses } from "./pipelining.ts";
import { serveAsHttp } from "./plain-http.ts";
import { internalError, notFound, shuttingDown } from "./rejection.ts";
import { ignoreError } from "./response.ts";
import { isWebSocketUpgrade, validateHandshake } from "./validate.ts";

/** What came with the server's `upgrade` event. */
export interface UpgradeArrival {
  readonly server: Server;
  /** Whether the server has been told to close. */
  readonly isClosing: boolean;
  /** The instances that are attached to the server, at least one. */
  readonly instances: readonly HandshakeOwner[];
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** Gives the event to the server's other `upgrade` listeners; undefined if there are none. */
  readonly offer: (() => void) | undefined;
}

/**
 * Handles the server's `upgrade` event. A request that can become a WebSocket is given to the framework like any GET, with a response
 * that core has made. So the framework does the routing, and runs its middleware and its error handling.
 */
export function dispatchUpgrade(arrival: UpgradeArrival): void {
  const { socket } = arrival;
  // Without a listener, a reset by the client during the handshake would end the process.
  socket.on("error", ignoreError);
  afterEarlierResponses(socket, serve, arrival);
}

function serve(arrival: UpgradeArrival): void {
  const { server, request, socket, head } = arrival;
  if (isWebSocketUpgrade(request)) {
    begin(arrival);
    return;
  }
  // The HTTP server adds its own `error` listener, and one of ours would be added for each request of the connection.
  if (socket === request.socket) socket.removeListener("error", ignoreError);
  serveAsHttp(server, request, socket, head);
}

/** Begins the handshake: refuses it, leaves it to the neighbours, or gives it to the framework. */
function begin({ server, isClosing, instances, request, socket, head, offer }: UpgradeArrival): void {
  const covering = those(instances, ({ options }) => matchesPath(options.path, request.url ?? "/"));
  const open = those(covering, (instance) => !instance.isClosing(server));
  // If all instances are closing, a new app may have taken their place, and its instance may not be known yet.
  const instance = (open[0] ?? covering[0] ?? instances[0]) as HandshakeOwner;
  if (covering.length === 0 && offer) {
    instance.counters.forwarded++;
    offer();
    return;
  }
  const handshake = new Handshake(instance, server, request, socket, head);
  const invalid = validateHandshake(request);
  // If there are other listeners, the framework has to say first whether the handshake is for them.
  if (isClosing && !offer) answerInstead(handshake, shuttingDown);
  else if (invalid) answerInstead(handshake, invalid);
  else if (covering.length === 0) answerInstead(handshake, notFound);
  else {
    handshake.offer = offer;
    handshake.isUndecided = open.length > 1;
    deliver(handshake, covering);
    // Nothing can happen to the socket before: most handshakes have ended by now, and need no listeners.
    if (!handshake.hasEnded) handshake.watch();
  }
}

/** Those that are meant: mostly all, and then the list itself. */
function those<T>(list: readonly T[], isMeant: (one: T) => boolean): readonly T[] {
  return list.every(isMeant) ? list : list.filter(isMeant);
}

/** Gives the request to the framework. */
function deliver(handshake: Handshake, instances: readonly HandshakeOwner[]): void {
  const { server, request, response } = handshake;
  if (!response) return;
  for (const { prepare } of instances) prepare?.(request, response);
  interceptAnswer(handshake, response);
  try {
    server.emit("request", request, response);
  } catch (error) {
    // Thrown by a `request` listener of the user: frameworks catch what their handlers throw.
    handshake.instance.report(error, { stage: "handshake" });
    answerInstead(handshake, internalError);
  }
}
