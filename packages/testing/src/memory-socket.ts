import { Duplex } from "node:stream";
import { setImmediate } from "./clock.ts";

type WriteDone = (error?: Error | null) => void;

/** The port that the last client was given, as an operating system gives one to each client. */
let lastPort = 49_151;

/**
 * One end of a connection without a network, in place of a `net.Socket`. What one end writes arrives at the other in a later turn of
 * the event loop, as one chunk for each write. While one end does not read, the other cannot write.
 */
export class MemorySocket extends Duplex {
  readonly remoteAddress: string = "127.0.0.1";
  readonly remoteFamily: string = "IPv4";
  readonly remotePort: number;
  readonly localAddress: string = "127.0.0.1";
  readonly localPort: number;
  bytesRead = 0;
  bytesWritten = 0;
  #other!: MemorySocket;
  /** The other end's write that waits until this end reads. */
  #waiting: WriteDone | undefined;
  #hasEnded = false;

  private constructor(localPort: number, remotePort: number, allowHalfOpen: boolean) {
    super({ allowHalfOpen });
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /**
   * Both ends of a new connection.
   *
   * @param isEncrypted whether the server is to take the connection for TLS, for a server of `https.createServer`. A server of HTTP/2
   * then takes the client for one that speaks HTTP/1.1
   */
  static pair(isEncrypted: boolean): { client: MemorySocket; server: MemorySocket } {
    const port = isEncrypted ? 443 : 80;
    lastPort = lastPort === 65_535 ? 49_152 : lastPort + 1;
    const client = new MemorySocket(lastPort, port, false);
    const server = new MemorySocket(port, lastPort, true);
    client.#other = server;
    server.#other = client;
    if (isEncrypted) Object.assign(server, { encrypted: true, alpnProtocol: false });
    return { client, server };
  }

  // Frameworks and libraries call these on the socket of a request. Without a network they do nothing.

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  address(): { address: string; family: string; port: number } {
    return { address: this.localAddress, family: "IPv4", port: this.localPort };
  }

  override _read(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: WriteDone): void {
    this.#deliver(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: WriteDone): void {
    this.#deliver(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: WriteDone): void {
    setImmediate(() => {
      this.#other.#end();
      done();
    });
  }

  override _destroy(error: Error | null, done: WriteDone): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(reset());
    setImmediate(() => this.#other.#end());
    done(error);
  }

  #deliver(chunk: Buffer, done: WriteDone): void {
    // A copy, as a network makes one: the sender may reuse its buffer, and the receiver unmasks frames in place.
    const copy = Buffer.from(chunk);
    setImmediate(() => {
      const other = this.#other;
      if (other.destroyed || other.#hasEnded) return done(reset());
      this.bytesWritten += copy.length;
      other.bytesRead += copy.length;
      if (other.push(copy)) done();
      else other.#waiting = done;
    });
  }

  #end(): void {
    if (this.#hasEnded || this.destroyed) return;
    this.#hasEnded = true;
    this.push(null);
  }
}

/** The error of a socket that is written to after its other end has closed. */
function reset(): Error {
  return Object.assign(new Error("write ECONNRESET"), { code: "ECONNRESET", syscall: "write" });
}
