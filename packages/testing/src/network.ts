import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { sleep } from "./clock.ts";

/** How fast a network is. */
export interface NetworkConditions {
  /** Bytes per second, each way and for each connection. @default Infinity */
  bytesPerSecond?: number;
  /** How long everything takes, each way, in milliseconds. @default 0 */
  latencyMs?: number;
}

/** `up`: to the server. `down`: to the client. */
export type Direction = "up" | "down";

/** A network between clients and a server, which can be cut, frozen, slowed and made deaf. */
export interface Network extends AsyncDisposable {
  /** Where clients connect to, on 127.0.0.1. */
  readonly port: number;
  /** A URL of the server behind it: `network.url("/chat")`, `network.url("/", "http")`. */
  url(path: string, scheme?: string): string;
  /** How many connections go through it now. */
  readonly connections: number;
  /** How many bytes `swallow` has lost. */
  readonly swallowedBytes: number;
  /** Resets all connections. New ones are let through. */
  cut(): void;
  /** Resets all connections, and refuses new ones until `mend()`. */
  goDown(): void;
  /**
   * Lets nothing through any more, in one direction or in both, and closes nothing: as when a host is gone, or a process is stopped.
   * What is sent meanwhile waits.
   */
  freeze(direction?: Direction): void;
  /** As `freeze`, but what is sent meanwhile is lost, and its sender takes it for received. Call `cut()` before you mend this. */
  swallow(direction?: Direction): void;
  /** Ends `goDown`, `freeze` and `swallow`: everything is let through again. */
  mend(): void;
  /** Slows down what is sent from now on. */
  slow(conditions: NetworkConditions): void;
  /** Closes all connections, and the port. */
  close(): Promise<void>;
}

type Passing = "pass" | "freeze" | "swallow";

/**
 * Puts a network in front of a server: a TCP proxy on a free port of 127.0.0.1.
 *
 * @param target a server that listens, or its port
 * @example
 * await using network = await createNetwork(server);
 * const client = connect<typeof chat>(network.url("/live"), { WebSocket });
 * network.freeze(); // the page must notice
 */
export async function createNetwork(target: Server | number): Promise<Network> {
  const port = typeof target === "number" ? target : (target.address() as AddressInfo).port;
  const network = new TcpNetwork(port);
  await network.listen();
  return network;
}

class TcpNetwork implements Network {
  readonly #target: number;
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  readonly #passing: Record<Direction, Passing> = { up: "pass", down: "pass" };
  #conditions: Required<NetworkConditions> = { bytesPerSecond: Number.POSITIVE_INFINITY, latencyMs: 0 };
  #isDown = false;
  swallowedBytes = 0;

  constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#pipes.size / 2;
  }

  url(path: string, scheme = "ws"): string {
    return `${scheme}://127.0.0.1:${this.port}${path}`;
  }

  cut(): void {
    for (const { from } of this.#pipes) from.resetAndDestroy();
  }

  goDown(): void {
    this.#isDown = true;
    this.cut();
  }

  freeze(direction?: Direction): void {
    this.#set("freeze", direction);
  }

  swallow(direction?: Direction): void {
    this.#set("swallow", direction);
  }

  mend(): void {
    this.#isDown = false;
    this.#set("pass");
  }

  slow(conditions: NetworkConditions): void {
    this.#conditions = { bytesPerSecond: Number.POSITIVE_INFINITY, latencyMs: 0, ...conditions };
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #set(passing: Passing, direction?: Direction): void {
    for (const one of direction ? [direction] : (["up", "down"] as const)) this.#passing[one] = passing;
    for (const pipe of this.#pipes) pipe.changed();
  }

  #accept(client: Socket): void {
    if (this.#isDown) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    client.setNoDelay(true);
    for (const [from, to, direction] of [
      [client, server, "up"],
      [server, client, "down"],
    ] as const) {
      const pipe = new Pipe(from, to, {
        passing: () => this.#passing[direction],
        conditions: () => this.#conditions,
        swallowed: (bytes) => {
          this.swallowedBytes += bytes;
        },
      });
      this.#pipes.add(pipe);
      from.on("close", () => {
        this.#pipes.delete(pipe);
        to.resetAndDestroy();
      });
    }
  }
}

interface PipeRules {
  passing(): Passing;
  conditions(): Required<NetworkConditions>;
  swallowed(bytes: number): void;
}

/** One direction of one connection. */
class Pipe {
  readonly from: Socket;
  readonly #to: Socket;
  readonly #rules: PipeRules;
  #changed = (): void => {};

  constructor(from: Socket, to: Socket, rules: PipeRules) {
    this.from = from;
    this.#to = to;
    this.#rules = rules;
    from.on("error", () => {}); // `close` follows.
    void this.#run();
  }

  changed(): void {
    this.#changed();
  }

  /** Never rejects: a connection that breaks ends both sides of it. */
  async #run(): Promise<void> {
    try {
      for await (const chunk of this.from.iterator({ destroyOnReturn: false }))
        await this.#carry(chunk as Buffer);
      await this.#passage();
      this.#to.end();
    } catch {
      this.from.destroy();
    }
  }

  async #carry(chunk: Buffer): Promise<void> {
    await this.#passage();
    if (this.#rules.passing() === "swallow") {
      this.#rules.swallowed(chunk.length);
      return;
    }
    const { bytesPerSecond, latencyMs } = this.#rules.conditions();
    const waitMs = latencyMs + (chunk.length / bytesPerSecond) * 1_000;
    if (waitMs > 0) await sleep(waitMs);
    if (!this.#to.write(chunk)) await once(this.#to, "drain");
  }

  async #passage(): Promise<void> {
    while (this.#rules.passing() === "freeze")
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
  }
}
