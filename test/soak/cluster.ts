import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { freePort } from "../fixtures/free-port.ts";

const program = fileURLToPath(new URL("server.mjs", import.meta.url));

/** Three processes of a service, and a door in front of them that brings each connection to one of them, and cuts it when it likes. */
export class Cluster implements AsyncDisposable {
  readonly #arguments: readonly string[];
  readonly #random: () => number;
  readonly #processes = new Map<number, ChildProcess>();
  readonly #sockets = new Set<Socket>();
  readonly #door: Server;

  private constructor(args: readonly string[], random: () => number) {
    this.#arguments = args;
    this.#random = random;
    this.#door = createServer((socket) => this.#onConnection(socket));
  }

  /** @param random decides who gets which connection */
  static async start(store: string, brokerUrl: string, random: () => number): Promise<Cluster> {
    const cluster = new Cluster([store, brokerUrl], random);
    await once(cluster.#door.listen(0, "127.0.0.1"), "listening");
    const ports = [await freePort(), await freePort(), await freePort()];
    await Promise.all(ports.map((port) => cluster.#start(port)));
    return cluster;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#door.address() as AddressInfo).port}/`;
  }

  /** Ends some of the connections, without a word. */
  cut(share: number): void {
    for (const socket of this.#sockets) if (this.#random() < share) socket.destroy();
  }

  /** The processes themselves publish nothing more. Resolves when what they have published is stored, or is not. */
  async quieten(): Promise<void> {
    const quiet = [...this.#processes.values()].map((process) => once(process, "message"));
    for (const process of this.#processes.values()) process.send("quiet");
    await Promise.all(quiet);
  }

  /** Kills a process, and starts it again. */
  async replaceOne(): Promise<void> {
    const ports = [...this.#processes.keys()];
    const port = ports[Math.floor(this.#random() * ports.length)] as number;
    const process = this.#processes.get(port) as ChildProcess;
    process.kill("SIGKILL");
    await once(process, "exit");
    await this.#start(port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#door.close();
    this.cut(1);
    for (const process of this.#processes.values()) process.kill("SIGKILL");
  }

  async #start(port: number): Promise<void> {
    const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
    const child = fork(program, [...this.#arguments, String(port)], { env, execArgv: ["--no-warnings"] });
    this.#processes.set(port, child);
    const [message] = await Promise.race([once(child, "message"), once(child, "exit")]);
    if (message !== "listening") throw new Error(`a process of the service ended with ${message}`);
  }

  #onConnection(socket: Socket): void {
    const ports = [...this.#processes.keys()];
    const port = ports[Math.floor(this.#random() * ports.length)] as number;
    const target = connect(port, "127.0.0.1");
    const end = () => {
      this.#sockets.delete(socket);
      socket.destroy();
      target.destroy();
    };
    this.#sockets.add(socket);
    for (const one of [socket, target]) one.setNoDelay(true).on("error", end).on("close", end);
    socket.pipe(target).pipe(socket);
  }
}
