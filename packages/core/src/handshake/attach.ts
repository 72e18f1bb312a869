import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { nextTick } from "node:process";
import type { Duplex } from "node:stream";
import { createError, describe } from "../errors.ts";
import { hasNativeHttp } from "../runtime.ts";
import type { Instance } from "../spry-ws.ts";
import { dispatchUpgrade } from "./dispatch.ts";
import { isUnhandledUpgrade } from "./find.ts";
import { Handshake } from "./handshake.ts";
import { matchesPath } from "./path.ts";
import { reject } from "./response.ts";

/** How many instances are attached to a server: so many of its `upgrade` listeners are placeholders. */
const attached = new WeakMap<Server, number>();

/** Requests whose upgrade Node gave to `request`, because the server had no `upgrade` listener yet. */
const adopted = new WeakMap<IncomingMessage, ServerResponse>();

/**
 * Looks at a server's handshakes before its other `upgrade` listeners do. Doing so twice changes nothing.
 *
 * Every listener of an event is called, so two libraries that listen for `upgrade` would both answer: `ws` with its option
 * `server` and a path writes a 400 for every other path. So this puts two methods on the server object:
 * - `emit`: an `upgrade` comes here first, and goes on to the listeners only if it is theirs.
 * - `close`: closes the peers of this server too, as it would wait for them for ever; and calls back when their hooks have settled.
 *
 * @throws TypeError `SPRY_WS_SERVER` for what is not a server
 */
export function attachServer(instance: Instance, server: Server): void {
  if (!isServer(server)) {
    throw createError(
      "SPRY_WS_SERVER",
      `attach(server) takes the server of http.createServer(), https.createServer() or app.listen(), not ${describe(server)}`,
    );
  }
  if (instance.servers.has(server)) return;
  instance.servers.add(server);
  const before = attached.get(server) ?? 0;
  attached.set(server, before + 1);
  // Node emits `upgrade` only to a server that listens for it.
  server.on("upgrade", placeholder);

  const emit = server.emit as (name: string | symbol, ...args: unknown[]) => boolean;
  server.emit = function (this: Server, name: string | symbol, ...args: unknown[]): boolean {
    if (name !== "upgrade") return emit.call(this, name, ...args);
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    adopted.get(request)?.detachSocket(request.socket);
    adopted.delete(request);
    const others = server.listenerCount("upgrade") - (attached.get(server) ?? 0) + before;
    const offer = () => void Reflect.apply(emit, this, [name, ...args]);
    dispatchUpgrade(instance, { server, request, socket, head, offer: others > 0 ? offer : undefined });
    return true;
  };

  const close = server.close;
  server.close = function (this: Server, callback?: (error?: Error) => void): Server {
    return close.call(this, callAfter(instance.closeServer(server), callback));
  };
}

/** Whoever closes a database in the callback must not do that to `close` hooks that write to it. */
function callAfter<Callback extends (...args: never[]) => void>(
  ended: Promise<void> | undefined,
  callback: Callback | undefined,
): Callback | undefined {
  if (!ended || typeof callback !== "function") return callback;
  const late = function (this: unknown, ...args: never[]): void {
    // Outside of the promise: what the callback throws is an uncaught exception as ever.
    void ended.then(() => nextTick(() => Reflect.apply(callback, this, args)));
  };
  return late as Callback;
}

function placeholder(): void {}

/** Apps of Express and Koa have `on`, `emit` and `listen` as well, but nothing to close. */
function isServer(value: unknown): value is Server {
  const { on, emit, close } = (value ?? {}) as Partial<Server>;
  return [on, emit, close].every((method) => typeof method === "function");
}

/**
 * What an adapter's middleware calls for each request. Learns the server where nobody attached it: `http.createServer(app)`
 * tells an app nothing. Returns true if the request is an upgrade that has to wait for its own `upgrade` event: the caller
 * must not answer it.
 *
 * Node hands an upgrade to `request` as long as the server has no `upgrade` listener. There is one now, but for this
 * request the choice has been made; setting `request.upgrade` back, while the HTTP parser is still at its headers, makes
 * Node take the parser off the socket and emit `upgrade` as it would have done.
 */
export function adoptRequest(
  instance: Instance,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const handshake = Handshake.of(request);
  if (handshake) handshake.isSeen = true;
  const server = (request.socket as { server?: Server } | null)?.server;
  if (!isServer(server) || instance.servers.has(server)) return false;
  // Other instances' placeholders may have come with this very request.
  const hadListeners = server.listenerCount("upgrade") > (attached.get(server) ?? 0);
  attachServer(instance, server);
  if (handshake || hadListeners || !isUnhandledUpgrade(request)) return false;
  if (!matchesPath(instance.options.path, originalTarget(request))) return false;
  // Behind a request that is not answered yet, Node has no place to take the handshake from.
  if (response.socket !== request.socket) {
    refuseFirst(instance, response);
    return true;
  }
  adopted.set(request, response);
  (request as { upgrade?: boolean }).upgrade = true;
  if (hasNativeHttp) {
    // No parser sees that; but the socket can be taken over as it is, when the adapter has put the request in order.
    queueMicrotask(() => server.emit("upgrade", request, request.socket, Buffer.alloc(0)));
    return true;
  }
  setImmediate(() => {
    if (!adopted.delete(request)) return;
    // Middleware before spryWs() was asynchronous, so the parser had gone on.
    (request as { upgrade?: boolean }).upgrade = false;
    refuseFirst(instance, response);
  });
  return true;
}

/** The target before Express (or Connect) took the path of a mount off it. */
function originalTarget(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? "/";
}

/** The server could not be learnt in time. Only the first request of a server can come here. */
function refuseFirst(instance: Instance, response: ServerResponse): void {
  reject(response, {
    status: 503,
    message: "The server was not ready for WebSockets yet; try again",
    headers: { "Retry-After": "1" },
  });
  const text =
    "The first WebSocket handshake came before spryWs() knew the server. Call attach(server) on what spryWs() returned, " +
    "or put spryWs() before asynchronous middleware";
  instance.report(createError("SPRY_WS_NOT_REGISTERED", text), { stage: "handshake" });
}
