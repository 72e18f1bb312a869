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
 * A server whose handshakes we look at before its other `upgrade` listeners do, and the instances that are attached to it.
 *
 * Every listener of an event is called, so two libraries that listen for `upgrade` would both answer: `ws` with its option
 * `server` and a path writes a 400 for every other path. So this puts two methods on the server object, once for all instances,
 * and takes them off with the last of them:
 * - `emit`: an `upgrade` comes here first, and goes on to the listeners only if it is theirs.
 * - `close`: closes the peers of this server too, as it would wait for them for ever; and calls back when their hooks have settled.
 */
export class AttachedServer {
  readonly server: Server;
  /** In the order in which they came. Only those that have not been closed, or are just closing. */
  readonly instances: Set<HandshakeOwner> = new Set();
  /** Requests whose upgrade Node gave to `request`, because the server had no `upgrade` listener yet. */
  readonly adopted: WeakMap<IncomingMessage, ServerResponse> = new WeakMap();
  #isClosing = false;
  readonly #emit: Override<"emit">;
  readonly #close: Override<"close">;

  private constructor(server: Server) {
    this.server = server;
    const attached = this;
    this.#emit = new Override(server, "emit", (emit) => {
      return function (this: Server, name: string | symbol, ...args: unknown[]): boolean {
        const proceed = emit as Emit;
        if (name !== "upgrade" || attached.instances.size === 0) return proceed.call(this, name, ...args);
        attached.#dispatch(args as UpgradeArguments, () => proceed.call(this, name, ...args));
        return true;
      } as Server["emit"];
    });
    this.#close = new Override(server, "close", (close) => {
      return function (this: Server, callback?: (error?: Error) => void): Server {
        return close.call(this, callAfter(attached.#end(), callback));
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
  }

  remove(instance: HandshakeOwner): void {
    if (!this.instances.delete(instance) || this.instances.size > 0) return;
    this.server.removeListener("upgrade", placeholder);
    this.server.removeListener("listening", this.#reopen);
    this.#isClosing = false;
    this.#emit.remove();
    this.#close.remove();
  }

  #dispatch([request, socket, head]: UpgradeArguments, proceed: () => void): void {
    this.adopted.get(request)?.detachSocket(request.socket);
    this.adopted.delete(request);
    dispatchUpgrade({
      server: this.server,
      isClosing: this.#isClosing,
      instances: [...this.instances],
      request,
      socket,
      head,
      offer: this.hasNeighbours ? proceed : undefined,
    });
  }

  /** The server has been told to close. Settles when the peers are gone; undefined where there are none. */
  #end(): Promise<unknown> | undefined {
    const endings = [...this.instances].map((instance) => instance.closeServer(this.server));
    if (!this.#isClosing && endings.length > 0) this.server.once("listening", this.#reopen);
    this.#isClosing = endings.length > 0;
    return endings.some((ending) => ending) ? Promise.all(endings) : undefined;
  }

  readonly #reopen = (): void => {
    this.#isClosing = false;
    for (const instance of this.instances) instance.reopenServer(this.server);
  };
}

/** Whoever closes a database in the callback must not do that to `close` hooks that write to it. */
function callAfter<Callback extends (...args: never[]) => void>(
  ended: Promise<unknown> | undefined,
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

/** @throws TypeError `SPRY_WS_SERVER` for what is not a server */
export function assertServer(value: unknown): asserts value is Server {
  if (isServer(value)) return;
  throw createError(
    "SPRY_WS_SERVER",
    `attach(server) takes the server of http.createServer(), https.createServer() or app.listen(), not ${describe(value)}`,
  );
}

/** Apps of Express and Koa have `on`, `emit` and `listen` as well, but nothing to close. */
export function isServer(value: unknown): value is Server {
  const { on, emit, close } = (value ?? {}) as Partial<Server>;
  return [on, emit, close].every((method) => typeof method === "function");
}
