import type { ClientOptions } from "./options.ts";

/** The characters of a subprotocol (RFC 9110 section 5.6.2). */
const tokenCharacters = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** In milliseconds. A token that is refused after a connection of this length has expired; one refused sooner was never valid. */
const stableMs = 5_000;

/** Gets the token when it is first needed, and a new one when it was refused. All who wait share one call of the user's function. */
export class Tokens {
  readonly #source: ClientOptions["token"];
  #token: Promise<string | undefined> | undefined;
  /** Whether a token was refused before: if the one after it is refused at once, another will not help. */
  #isSecond = false;

  constructor(source: ClientOptions["token"]) {
    this.#source = source;
  }

  /** @throws what the user's function throws (rejects), or a TypeError for what is no token. The next call then calls the function again */
  get(): Promise<string | undefined> {
    this.#token ??= this.#load();
    return this.#token;
  }

  /** The next call of `get` gets a new token. */
  forget(): void {
    this.#token = undefined;
  }

  /**
   * Forgets the token, which the service has refused.
   *
   * @param lastedMs how long the connection has lasted, in milliseconds
   * @returns whether to try with another token
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
