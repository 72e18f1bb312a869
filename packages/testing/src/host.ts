import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import { type Reach, recognize, type TestableApp } from "./app.ts";
import { MemorySocket } from "./memory-socket.ts";

/** How one client reaches an app. */
export interface Route {
  /** Paths are resolved against this URL. */
  readonly url: URL;
  /** Makes a connection in memory; undefined if the app is reached through a port. */
  readonly createConnection: (() => Duplex) | undefined;
  /** Whether the other side is a server of this process: then its certificate is not verified. */
  readonly isOwnServer: boolean;
  /** The client has closed. Settles when what was opened for it is closed too; never rejects. */
  leave(): Promise<void>;
}

/** Whether connections in memory are possible: Node's HTTP server takes any stream as a connection, those of Deno and Bun do not. */
const hasMemory = !("Deno" in globalThis || "Bun" in globalThis);

/** The hosts in use, by app or server: all clients of an app share one server. */
const hosts = new WeakMap<object, Host>();

/**
 * Finds or makes the server of an app.
 *
 * @param loopback whether to go through a port even where memory would do
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for what is no app, and whatever the app's own `listen` or `ready` rejects with
 */
export async function openRoute(app: TestableApp, loopback: boolean): Promise<Route> {
  const reach = recognize(app);
  if (reach.by === "url") {
    return {
      url: reach.url,
      createConnection: undefined,
      isOwnServer: false,
      leave: () => Promise.resolve(),
    };
  }
  const key = reach.by === "server" ? reach.server : reach.app;
  const host = hosts.get(key) ?? new Host(key, reach);
  hosts.set(key, host);
  return host.join(loopback || !hasMemory);
}

/** A server, and the number of clients that share it. */
class Host {
  readonly #key: object;
  readonly #server: Promise<Server>;
  /** Set if this package has made the server listen, and so has to close it. */
  #listening: Promise<unknown> | undefined;
  #clients = 0;

  constructor(key: object, reach: Exclude<Reach, { by: "url" }>) {
    this.#key = key;
    this.#server = this.#start(reach);
  }

  async join(loopback: boolean): Promise<Route> {
    this.#clients++;
    try {
      const server = await this.#server;
      if (loopback && !server.listening) this.#listening ??= listen(server);
      await this.#listening;
      const isSecure = server instanceof TlsServer;
      return {
        url: server.listening ? urlOf(server, isSecure) : new URL(`${isSecure ? "wss" : "ws"}://localhost`),
        createConnection: server.listening ? undefined : () => connectInMemory(server, isSecure),
        isOwnServer: true,
        leave: () => this.#leave(),
      };
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  async #start(reach: Exclude<Reach, { by: "url" }>): Promise<Server> {
    if (reach.by === "listener") return reach.create();
    if (reach.by === "server") {
      await reach.ready();
      return reach.server;
    }
    // The app's own `listen` and not http.createServer(app): plugins hook into `listen` to see the server before the first request.
    const server = reach.app.listen(0, "127.0.0.1");
    this.#listening = listening(server);
    return server;
  }

  async #leave(): Promise<void> {
    if (--this.#clients > 0) return;
    hosts.delete(this.#key);
    if (!this.#listening) return;
    const server = await this.#server;
    // The `close` of the class, not one that a plugin has put on the server: the server stops listening, but the app goes on.
    const { close } = Object.getPrototypeOf(server) as Server;
    await new Promise<unknown>((resolve) => {
      close.call(server, resolve);
      server.closeAllConnections?.(); // A server of HTTP/2 has no such method, and no connections that would stay open.
    });
  }
}

async function listen(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await listening(server);
}

async function listening(server: Server): Promise<void> {
  if (!server.listening) await once(server, "listening");
}

/** Gives the server one end of a connection in memory, by its `connection` event: Node documents that any stream may come this way. */
function connectInMemory(server: Server, isSecure: boolean): Duplex {
  const { client, server: accepted } = MemorySocket.pair(isSecure);
  // TLS sockets have this member, and a server of HTTP/2 looks at it.
  Object.assign(accepted, { server });
  server.emit(isSecure ? "secureConnection" : "connection", accepted);
  return client;
}

function urlOf(server: Server, isSecure: boolean): URL {
  const address = server.address() as AddressInfo | string;
  if (typeof address === "string") return new URL(`ws+unix://${address}:/`);
  return new URL(`${isSecure ? "wss" : "ws"}://${hostOf(address)}:${address.port}`);
}

/** The host at which a server with this address is reached. One that listens on all addresses is reached on the loopback. */
function hostOf({ address, family }: AddressInfo): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  if (address === "::") return "localhost";
  return family === "IPv6" ? `[${address}]` : address;
}
