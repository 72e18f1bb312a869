// Requests that carry a number, many in one write.
import { encodeFrame, MASK } from "./frames.mjs";

/** Seven digits, for as long as a measurement lasts: all frames of a kind have the same size. */
const FIRST = 1_000_001;

/**
 * @typedef {object} Numbered how requests travel
 * @property {(n: number, text: string) => string} request
 * @property {(n: number, text: string) => string} answer
 * @property {(n: number) => string} [confirm] what tells the server that the answers up to `n` have come
 */

/**
 * The requests of one client. Frames are masked once, and get only new numbers afterwards: the load must cost less than the server.
 */
export class Requests {
  /** How many bytes answer one request. */
  answerBytes;
  #batch;
  /** Where the digits of a number are, where in its message, and which number of the batch it is. */
  #places;
  #inFlight;
  #next = FIRST;

  /**
   * @param {Numbered} numbered
   * @param {string} text the argument of each
   * @param {number} inFlight how many are one batch
   */
  constructor({ request, answer, confirm }, text, inFlight) {
    const messages = Array.from({ length: inFlight }, (_, i) => ({ message: request(FIRST + i, text), i }));
    if (confirm) messages.push({ message: confirm(FIRST - 1), i: -1 });
    const frames = messages.map(({ message }) => encodeFrame(message, true));
    let end = 0;
    this.#places = messages.map(({ message, i }, at) => {
      end += frames[at].length;
      const index = message.indexOf(String(FIRST + i));
      return { offset: end - message.length + index, phase: index, i };
    });
    this.#batch = Buffer.concat(frames);
    this.#inFlight = inFlight;
    this.firstAnswers = Buffer.concat(
      Array.from({ length: inFlight }, (_, i) => encodeFrame(answer(FIRST + i, text), false)),
    );
    this.answerBytes = this.firstAnswers.length / inFlight;
  }

  /** The next ones. The buffer is written anew by the next call: all answers have to be there before. */
  next() {
    for (const { offset, phase, i } of this.#places) this.#write(this.#next + i, offset, phase);
    this.#next += this.#inFlight;
    return this.#batch;
  }

  #write(n, offset, phase) {
    for (let digit = 6, rest = n; digit >= 0; digit--, rest = Math.floor(rest / 10)) {
      this.#batch[offset + digit] = (48 + (rest % 10)) ^ MASK[(phase + digit) & 3];
    }
  }
}
