// A process of its own that runs one instance, and answers.
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Asked } from "../asked.mjs";

const program = fileURLToPath(new URL("process.mjs", import.meta.url));

export class Instance {
  #process;
  #port;

  /** @param {string[]} args `--redis`, `--nats`, or nothing */
  static async start(args) {
    const instance = new Instance();
    const { process: asked, hello } = await Asked.start(process.execPath, ["--expose-gc", program, ...args]);
    instance.#process = asked;
    instance.#port = hello.port;
    return instance;
  }

  /** @returns {Promise<any>} */
  ask(ask, parameters) {
    return this.#process.ask(ask, parameters);
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
    return this.#process.stop();
  }
}
