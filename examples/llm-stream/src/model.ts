import { setTimeout } from "node:timers/promises";

/** What the rest of the example needs of a language model: the place to put the client of a real one. */
export interface LanguageModel {
  /**
   * Gives the answer piece by piece. It works ahead no further than it is read, and ends its own requests when the signal
   * is aborted or its reader stops. A real one hands `signal` to `fetch`, or to the client's library.
   */
  stream(prompt: string, signal: AbortSignal): AsyncIterable<string>;
}

const text = `This is no language model: it is a stand-in that repeats what it was asked, and then goes on with a text that \
is always the same. Between two words it waits a little, as a model does. Press the button to stop it: the generator ends with the \
word that it is at. Close the page, and it ends too. Nobody pays for tokens that nobody reads.`;

/** A STAND-IN, not a language model. */
export const standInModel: LanguageModel = {
  async *stream(prompt, signal) {
    for (const word of `You said: ${prompt}\n\n${text}`.split(/(?<=\s)/)) {
      await setTimeout(60, undefined, { signal });
      yield word;
    }
  },
};
