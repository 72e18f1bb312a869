// A process of its own that runs one instance, and answers.
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { start, stop } from "../children.mjs";

const program = fileURLToPath(new URL("process.mjs", import.meta.url));

export class Instance {
  #child;
  #port;
  #lastId = 0;

  /** @param {string[]} args `--redis`, `--nats`, or nothing */
  static async start(args) {
    const instance = new Instance();
    instance.#child = start(process.execPath, ["--expose-gc", program, ...args]);
    instance.#child.setMaxListeners(0);
    instance.#port = await new Promise((resolve, reject) => {
      instance.#child.once("message", ({ port }) => resolve(port));
      instance.#child.once("close", () => reject(new Error(instance.#child.errors)));
    });
    return instance;
  }

  /** @returns {Promise<any>} */
  ask(ask, parameters = {}) {
    const id = ++this.#lastId;
    this.#child.send({ ask, id, ...parameters });
    return new Promise((resolve) => {
      const onMessage = (message) => {
        if (message.id !== id) return;
        this.#child.off("message", onMessage);
        resolve(message.answer);
      };
      this.#child.on("message", onMessage);
    });
  }

  /** Opens a peer that is subscribed to so many topics; what it is sent is read, and not looked at. */
  async open(topics) {
    await this.ask("subscribe", { topics });
    const socket = connect(this.#port, "127.0.0.1");
    socket.write(
      "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    socket.on("error", () => {});
    await once(socket, "data");
    socket.resume();
  }

  stop() {
    return stop(this.#child);
  }
}
