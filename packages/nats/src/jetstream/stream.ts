import { createHash } from "node:crypto";
import { isPermissionViolation } from "../explain.ts";
import type { Api } from "./api.ts";
import { explain, historyError, Refused, streamNotFound } from "./explain.ts";
import type { Settings } from "./settings.ts";
import { configOf, misfitsOf, type StreamConfig } from "./stream-config.ts";

/** What is used of the answer to `STREAM.INFO` and `STREAM.CREATE`. */
interface StreamInfo {
  readonly config: StreamConfig;
  /** When the stream was made. */
  readonly created: string;
  readonly state: { readonly last_seq: number };
}

const nameInUse = 10_058;

/** The stream of a link: that it is there and fits, and which one it is. */
export class Stream {
  readonly #api: Api;
  readonly #settings: Settings;
  #config: StreamConfig | undefined;
  /** Of the stream that was seen last: another one after it was deleted and made anew. */
  epoch = "";
  /** The number of its last message, as it was checked. */
  lastSeq = 0;
  #running: Promise<StreamInfo> | undefined;
  #next: Promise<StreamInfo> | undefined;

  constructor(api: Api, settings: Settings) {
    this.#api = api;
    this.#settings = settings;
  }

  /** As it was when it was checked. */
  get config(): StreamConfig {
    return this.#config ?? configOf(this.#settings);
  }

  /** Creates the stream if there is none. @throws SpryWsError where it cannot be used, which says what to change */
  async check(): Promise<void> {
    const { config, created, state } = await this.#find();
    const misfits = misfitsOf(config, this.#settings);
    if (misfits.length > 0)
      throw historyError(
        `the JetStream stream "${config.name}" does not fit: ${misfits.join("; ")}. ` +
          "Change it with `nats stream edit`, or delete it where the server does not let you, or give another name with the option `stream`",
      );
    this.#config = config;
    this.lastSeq = state.last_seq;
    this.epoch = epochOf(config.name, created);
  }

  /** The epoch of the stream that there is. What was read before the call is of that stream, if it is the one that `epoch` says. */
  async seen(): Promise<string> {
    const { config, created } = await this.#info();
    return epochOf(config.name, created);
  }

  async #find(): Promise<StreamInfo> {
    try {
      return await this.#info();
    } catch (error) {
      if (!(error instanceof Refused && error.errorCode === streamNotFound)) throw explain(error);
    }
    const config = configOf(this.#settings);
    const howTo = `create it with this configuration: ${JSON.stringify(config)}`;
    if (!this.#settings.create)
      throw historyError(
        `there is no JetStream stream "${config.name}": ${howTo}, or leave out \`create: false\``,
      );
    try {
      return await this.#api.call(this.#api.subject("STREAM.CREATE"), config);
    } catch (error) {
      // Another process was faster, with other options.
      if (error instanceof Refused && error.errorCode === nameInUse) return await this.#info();
      if (isPermissionViolation(error))
        throw historyError(
          `there is no JetStream stream "${config.name}", and the NATS user of the connection may not create it: ${howTo}`,
          error,
        );
      throw historyError(
        `the JetStream stream "${config.name}" cannot be created: ${explain(error).message}`,
        error,
      );
    }
  }

  /** One request for all that call meanwhile; it begins after the call. */
  #info(): Promise<StreamInfo> {
    if (this.#running) {
      this.#next ??= this.#running
        .catch(() => {})
        .then(() => {
          this.#next = undefined;
          return this.#info();
        });
      return this.#next;
    }
    const running = this.#api.call<StreamInfo>(this.#api.subject("STREAM.INFO")).finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

function epochOf(name: string, created: string): string {
  return createHash("sha256").update(`${name} ${created}`).digest("base64url").slice(0, 16);
}
