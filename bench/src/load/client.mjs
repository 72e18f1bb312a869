// One connection of the load: a raw TCP socket whose bytes are counted, not parsed.
import { connect } from "node:net";

const HOST = "127.0.0.1";

// One buffer for all sockets: what is read is counted, compared or copied before the next read.
const readBuffer = Buffer.allocUnsafeSlow(262_144);

export class Client {
  /** @type {(count: number, bytes: Buffer) => void} */
  #onBytes = () => {};
  #socket;
  #onLost;
  #collected = Buffer.alloc(0);
  #isEnded = false;

  /** @param {(error: Error) => void} onLost called when the connection ends and it was not this side that ended it */
  constructor(port, onLost) {
    this.#onLost = onLost;
    this.#socket = connect({
      port,
      host: HOST,
      noDelay: true,
      // Spares an allocation and an event for each read.
      onread: {
        buffer: readBuffer,
        callback: (count, bytes) => {
          this.#onBytes(count, bytes);
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => this.#lost(error));
    this.#socket.on("close", () => this.#lost(new Error("the server closed a connection")));
  }

  /** @param {Buffer | string} bytes */
  write(bytes) {
    this.#socket.write(bytes);
  }

  /**
   * Collects bytes until `take` has found in them what it looks for; what it leaves is there for the next call.
   *
   * @template T
   * @param {(bytes: Buffer) => { value: T, size: number } | undefined} take
   * @returns {Promise<T>}
   */
  read(take) {
    return new Promise((resolve, reject) => {
      const tryTake = () => {
        const taken = take(this.#collected);
        if (!taken) return;
        this.#collected = this.#collected.subarray(taken.size);
        this.#onBytes = this.#collect;
        resolve(taken.value);
      };
      this.#onBytes = (count, bytes) => {
        this.#collect(count, bytes);
        try {
          tryTake();
        } catch (error) {
          reject(error);
        }
      };
      if (this.#collected.length > 0) tryTake();
    });
  }

  /**
   * Reads as many bytes as are expected, and compares.
   *
   * @param {Buffer} expected
   * @param {string} what names them in the error
   */
  async expect(expected, what) {
    const actual = await this.read(
      (bytes) =>
        bytes.length >= expected.length && {
          value: bytes.subarray(0, expected.length),
          size: expected.length,
        },
    );
    if (!actual.equals(expected)) throw new Error(`wrong bytes: ${what}`);
  }

  /**
   * From here on bytes are only counted.
   *
   * @param {(count: number, bytes: Buffer) => void} onBytes the buffer is overwritten by the next read
   */
  count(onBytes) {
    if (this.#collected.length > 0) throw new Error("more bytes than expected");
    this.#onBytes = onBytes;
  }

  /** From here on nobody looks at what comes. */
  ignore() {
    this.#collected = Buffer.alloc(0);
    this.#onBytes = () => {};
  }

  /** Cuts the connection with a RST: the port is free at once, not after the minute of TIME_WAIT. */
  reset() {
    this.#isEnded = true;
    this.#socket.resetAndDestroy();
  }

  #collect = (count, bytes) => {
    this.#collected = Buffer.concat([this.#collected, bytes.subarray(0, count)]);
  };

  #lost(error) {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onLost(error);
  }
}
