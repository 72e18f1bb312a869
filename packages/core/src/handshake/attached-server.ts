import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { nextTick } from "node:process";
import type { Duplex } from "node:stream";
import { createError, describe } from "../errors.ts";
import { dispatchUpgrade } from "./dispatch.ts";
import type { HandshakeOwner } from "./handshake.ts";
import { Override } from "./override.ts";

const servers = new WeakMap<Server, AttachedServer>();

type Emit = (this: Server, name: string | symbol, ...args: unknown[]) => boolean;
type UpgradeArguments = [request: IncomingMessage, socket: Duplex, head: Buffer];

/**
 * A server with the instances that are attached to it. They see its handshakes before its other `upgrade` listeners do.
 *
 * All listeners of an event are called, so two libraries that listen for `upgrade` would both answer: `ws` with its options `server` and
 * `path` answers every other path with 400. So this puts two methods on the server object, once for all instances, and takes them off
 * when the last instance leaves:
 * - `emit`: an `upgrade` comes here first, and goes on to the other listeners only if it is for them.
 * - `close`: closes the peers of this server too, for which Node would wait for ever, and calls back when their hooks have settled.
 */
export class AttachedServer {
  readonly server: Server;
  /** The attached instances, in the order in which they came. One that is closing stays until it is closed. */
  readonly instances: Set<HandshakeOwner> = new Set();
  /** The same, made anew when one comes or leaves: a handshake that is being dispatched has those of its beginning. */
  #list: readonly HandshakeOwner[] = [];
  /** Requests whose upgrade Node gave to `request`, because the server had no `upgrade` listener yet. */
  readonly adopted: WeakMap<IncomingMessage, ServerResponse> = new WeakMap();
  #isClosing = false;
  readonly #emit: Override<"emit">;
  readonly #close: Override<"close">;

  private constructor(server: Server) {
    this.server = server;
    const attached = this;
    this.#emit = new Override(server, "emit", (emit) => {
      const proceed = emit as Emit;
      // No closure here: every event of the server would pay for it.
      return function (this: Server, name: string | symbol, ...args: unknown[]): boolean {
        if (name !== "upgrade" || attached.#list.length === 0) return proceed.call(this, name, ...args);
        attached.#dispatch(args as UpgradeArguments, proceed);
        return true;
      } as Server["emit"];
    });
    this.#close = new Override(server, "close", (close) => {
      return function (this: Server, callback?: (error?: Error) => void): Server {
        return close.call(this, callAfter(attached.#closeInstances(), callback));
      };
    });
  }

  /** @throws TypeError `SPRY_WS_SERVER` for what is not a server */
  static of(server: Server): AttachedServer {
    let attached = servers.get(server);
    if (attached) return attached;
    assertServer(server);
    attached = new AttachedServer(server);
    servers.set(server, attached);
    return attached;
  }

  /** Whether there are `upgrade` listeners other than our own. */
  get hasNeighbours(): boolean {
    return this.server.listenerCount("upgrade") > (this.instances.size > 0 ? 1 : 0);
  }

  /** Doing so twice changes nothing. */
  add(instance: HandshakeOwner): void {
    if (this.instances.size === 0) {
      this.#emit.install();
      this.#close.install();
      // Node emits `upgrade` only to a server that listens for it.
      this.server.on("upgrade", placeholder);
    }
    this.instances.add(instance);
    this.#list = [...this.instances];
  }

  remove(instance: HandshakeOwner): void {
    if (!this.instances.delete(instance)) return;
    this.#list = [...this.instances];
    if (this.instances.size > 0) return;
    this.server.removeListener("upgrade", placeholder);
    this.server.removeListener("listening", this.#reopen);
    this.#isClosing = false;
    this.#emit.remove();
    this.#close.remove();
  }

  #dispatch(args: UpgradeArguments, proceed: Emit): void {
    const [request, socket, head] = args;
    this.adopted.get(request)?.detachSocket(request.socket);
    this.adopted.delete(request);
    dispatchUpgrade({
      server: this.server,
      isClosing: this.#isClosing,
      instances: this.#list,
      request,
      socket,
      head,
      offer: this.hasNeighbours ? offering(this.server, args, proceed) : undefined,
    });
  }

  /** The server has been told to close. Settles when its peers are gone; undefined if there is nothing to wait for. */
  #closeInstances(): Promise<unknown> | undefined {
    const closing = [...this.instances].map((instance) => instance.closeServer(this.server));
    if (!this.#isClosing && closing.length > 0) this.server.once("listening", this.#reopen);
    this.#isClosing = closing.length > 0;
    return closing.some((one) => one) ? Promise.all(closing) : undefined;
  }

  readonly #reopen = (): void => {
    this.#isClosing = false;
    for (const instance of this.instances) instance.reopenServer(this.server);
  };
}

/** Gives the event to the other listeners. */
function offering(server: Server, args: UpgradeArguments, proceed: Emit): () => void {
  return () => proceed.call(server, "upgrade", ...args);
}

/** A callback that waits for the peers too: it may close a database that `close` hooks still write to. */
function callAfter<Callback extends (...args: never[]) => void>(
  closed: Promise<unknown> | undefined,
  callback: Callback | undefined,
): Callback | undefined {
  if (!closed || typeof callback !== "function") return callback;
  const late = function (this: unknown, ...args: never[]): void {
    // Not within the promise: what the callback throws must be an uncaught exception, as without us.
    void closed.then(() => nextTick(() => Reflect.apply(callback, this, args)));
  };
  return late as Callback;
}

function placeholder(): void {}

/** @throws TypeError `SPRY_WS_SERVER` for what is not a server */
export function assertServer(value: unknown): asserts value is Server {
  if (isServer(value)) return;
  throw createError(
    "SPRY_WS_SERVER",
    `attach(server) takes the server of http.createServer(), https.createServer() or app.listen(), not ${describe(value)}`,
  );
}

/** Tells a server from apps of Express and Koa, which have `on`, `emit` and `listen` too, but no `close`. */
export function isServer(value: unknown): value is Server {
  const { on, emit, close } = (value ?? {}) as Partial<Server>;
  return [on, emit, close].every((method) => typeof method === "function");
}
