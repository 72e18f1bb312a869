import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { RefusalReason } from "../observe/metrics.ts";
import type { Instance } from "../spry-ws.ts";
import { answerInstead, interceptAnswer } from "./answer.ts";
import { Handshake } from "./handshake.ts";
import { matchesPath } from "./path.ts";
import { serveAsHttp } from "./plain-http.ts";
import {
  busy,
  isWebSocketUpgrade,
  notFound,
  type Rejection,
  shuttingDown,
  timedOut,
  validateHandshake,
} from "./validate.ts";

/**
 * The server's `upgrade` event. A request that can become a WebSocket is given to the framework as any GET is, with a
 * response of its own: routing, middleware, refusals and errors are the framework's.
 *
 * @param offer gives the event to the server's other `upgrade` listeners, if there are any
 */
export function dispatchUpgrade(
  instance: Instance,
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  offer: (() => void) | undefined,
): void {
  // From here on a reset by the client ends this socket alone, however long the handshake takes.
  socket.on("error", ignore);
  if (!isWebSocketUpgrade(request)) {
    serveAsHttp(server, request, socket, head);
    return;
  }
  const isOurs = matchesPath(instance.options.path, request.url ?? "/");
  if (!isOurs && offer) {
    instance.counters.forwarded++;
    offer();
    return;
  }
  const handshake = new Handshake(instance, server, request, socket, head);
  const barred = check(handshake, isOurs);
  if (barred) {
    answerInstead(handshake, ...barred);
    return;
  }
  handshake.offer = offer;
  watch(handshake, instance.options.handshakeTimeoutMs);
  deliver(handshake);
}

/** What keeps a request from being dispatched at all. */
function check(handshake: Handshake, isOurs: boolean): [RefusalReason, Rejection] | undefined {
  const { instance, server, request } = handshake;
  const { maxPeers } = instance.options;
  if (instance.isClosing(server)) return ["closing", shuttingDown];
  const invalid = validateHandshake(request);
  if (invalid) return ["invalid", invalid];
  if (!isOurs) return ["path", notFound];
  const isFull = maxPeers > 0 && instance.connections.size + instance.handshakes.size > maxPeers;
  return isFull ? ["maxPeers", busy] : undefined;
}

/** Ends the handshake when the client goes away or when it takes too long. */
function watch(handshake: Handshake, timeoutMs: number): void {
  const timer =
    timeoutMs > 0 ? setTimeout(() => answerInstead(handshake, "timeout", timedOut), timeoutMs) : undefined;
  handshake.onEnd = () => clearTimeout(timer);
  handshake.socket.once("close", () => {
    if (handshake.hasEnded) return;
    handshake.end("aborted");
    handshake.request.destroy(); // Tells what waits for the request that the client has gone.
  });
}

/** Gives the request to the framework. */
function deliver(handshake: Handshake): void {
  const { instance, server, request, response } = handshake;
  if (!response) return;
  interceptAnswer(handshake, response);
  try {
    server.emit("request", request, response);
  } catch (error) {
    // A listener of the user's own: frameworks catch what their handlers throw.
    instance.report(error, { stage: "handshake" });
    answerInstead(handshake, "framework", { status: 500, message: "Internal Server Error" });
  }
}

function ignore(): void {}
