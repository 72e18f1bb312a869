// A process of its own that does what it is asked by IPC, and answers.
import { start, stop } from "./children.mjs";

export class Asked {
  #child;
  #lastId = 0;

  constructor(child) {
    this.#child = child;
    child.setMaxListeners(0);
  }

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {object} [env]
   * @returns {Promise<{ process: Asked, hello: any }>} `hello`: what it has said by itself, once it was ready
   */
  static async start(command, args, env) {
    const child = start(command, args, { env });
    const hello = await new Promise((resolve, reject) => {
      child.once("message", ({ hello }) => resolve(hello));
      child.once("close", () => reject(new Error(child.errors || "the process ended")));
    });
    return { process: new Asked(child), hello };
  }

  get pid() {
    return this.#child.pid;
  }

  /**
   * @param {string} ask
   * @param {object} [parameters]
   * @returns {Promise<any>}
   */
  ask(ask, parameters = {}) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`${ask}: ${this.#child.errors || "the process ended"}`));
      const onMessage = (message) => {
        if (message.id !== id) return;
        this.#child.off("message", onMessage);
        this.#child.off("close", ended);
        if (message.error === undefined) resolve(message.answer);
        else reject(new Error(`${ask}: ${message.error}`));
      };
      this.#child.on("message", onMessage);
      this.#child.once("close", ended);
      this.#child.send({ ask, id, ...parameters });
    });
  }

  stop() {
    return stop(this.#child);
  }
}

/**
 * What such a process calls when it is ready.
 *
 * @param {Record<string, (parameters: any) => unknown>} answers
 * @param {unknown} [hello]
 */
export function answerWith(answers, hello = {}) {
  process.on("message", async ({ ask, id, ...parameters }) => {
    try {
      process.send({ id, answer: await answers[ask](parameters) });
    } catch (error) {
      process.send({ id, error: error.message });
    }
  });
  process.on("disconnect", () => process.exit());
  process.send({ hello });
}
