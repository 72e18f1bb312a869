import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import { type Reach, recognize, type TestableApp } from "./app.ts";
import { MemorySocket } from "./memory-socket.ts";

/** The way of one client to an app. */
export interface Route {
  /** What paths are resolved against. */
  readonly url: URL;
  /** Makes the connection where there is no port. */
  readonly createConnection: (() => Duplex) | undefined;
  /** Whether the other side is a server of this process, whose certificate has nobody to vouch for it. */
  readonly isOwnServer: boolean;
  /** The client has gone. Settles when what was opened for it is closed; never rejects. */
  leave(): Promise<void>;
}

/** Node's HTTP server takes any stream for a connection; those of Deno and Bun take what came through a port. */
const hasMemory = !("Deno" in globalThis || "Bun" in globalThis);

/** The hosts in use, by app or server: clients of one app meet on one server. */
const hosts = new WeakMap<object, Host>();

/**
 * Finds or makes the server of an app.
 *
 * @param loopback whether to go through a port even where memory would do
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for what is no app; what `listen` or `ready` of the app rejects with
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

/** A server with the clients that share it. */
class Host {
  readonly #key: object;
  readonly #server: Promise<Server>;
  /** Set where this package has made the server listen, and so has to end it. */
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
    // Its own listen and not http.createServer(app): plugins hook into it to see the server before the first request.
    const server = reach.app.listen(0, "127.0.0.1");
    this.#listening = listening(server);
    return server;
  }

  async #leave(): Promise<void> {
    if (--this.#clients > 0) return;
    hosts.delete(this.#key);
    if (!this.#listening) return;
    const server = await this.#server;
    // The class's close, not one that a plugin has put on the server: it stops to listen, but the app does not end.
    const { close } = Object.getPrototypeOf(server) as Server;
    await new Promise<unknown>((resolve) => {
      close.call(server, resolve);
      server.closeAllConnections?.(); // Of HTTP/2 there are none, and it has no such method.
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

/** Node's documented way to bring a connection of any kind to a server: its `connection` event. */
function connectInMemory(server: Server, isSecure: boolean): Duplex {
  const { client, server: accepted } = MemorySocket.pair(isSecure);
  // As TLS sockets have it, which a server of HTTP/2 looks at.
  Object.assign(accepted, { server });
  server.emit(isSecure ? "secureConnection" : "connection", accepted);
  return client;
}

function urlOf(server: Server, isSecure: boolean): URL {
  const address = server.address() as AddressInfo | string;
  if (typeof address === "string") return new URL(`ws+unix://${address}:/`);
  return new URL(`${isSecure ? "wss" : "ws"}://${hostOf(address)}:${address.port}`);
}

/** Where a server is reached that listens on this address; one of all addresses is on the loopback too. */
function hostOf({ address, family }: AddressInfo): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  if (address === "::") return "localhost";
  return family === "IPv6" ? `[${address}]` : address;
}
