import type { ClientOptions } from "./options.ts";

/** The characters of a subprotocol (RFC 9110 section 5.6.2). */
const tokenCharacters = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A token that was good for so long has expired. */
const stableMs = 5_000;

/** Gets the token when it is needed first, and again when it was refused: one call, however many wait for it. */
export class Tokens {
  readonly #source: ClientOptions["token"];
  #token: Promise<string | undefined> | undefined;
  /** One was refused before: if the one after it is refused at once, so will be the next. */
  #isSecond = false;

  constructor(source: ClientOptions["token"]) {
    this.#source = source;
  }

  /** @throws what the user's function throws (rejects), or a TypeError for what is no token; the next call asks anew */
  get(): Promise<string | undefined> {
    this.#token ??= this.#load();
    return this.#token;
  }

  /** The next call of `get` asks for a new one. */
  forget(): void {
    this.#token = undefined;
  }

  /**
   * False if there is no other one to try.
   *
   * @param lastedMs how long the connection lasted: one that ended at once shows that the token was of no use
   */
  refused(lastedMs: number): boolean {
    this.#token = undefined;
    const isSecond = this.#isSecond && lastedMs < stableMs;
    this.#isSecond = true;
    return typeof this.#source === "function" && !isSecond;
  }

  async #load(): Promise<string | undefined> {
    try {
      const source = this.#source;
      const token = typeof source === "function" ? await source() : source;
      if (token === undefined || tokenCharacters.test(token)) return token;
      throw new TypeError("a token must be an HTTP token: encode it as base64url");
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}
