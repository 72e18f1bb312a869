import {
  type Contract,
  type EventInput,
  type EventName,
  type RequestInput,
  type RequestName,
  type RequestOutput,
  ServiceError,
  type StreamChunk,
  type StreamName,
  type TopicParams,
  type TopicPattern,
} from "@spry-ws/contract";
import {
  type ClientFrame,
  decodeServerFrame,
  encodeFrame,
  isFinal,
  type ServerFrame,
  subprotocol,
  topicOf,
} from "@spry-ws/contract/wire";
import { Connection, type ConnectionUser, type Status, type UrlSource } from "./connection.ts";
import { Emitter } from "./emitter.ts";
import { Liveness } from "./liveness.ts";
import type { ClientOptions } from "./options.ts";
import type { PresenceOf } from "./presence.ts";
import { type RequestOptions, Requests } from "./requests.ts";
import { Tokens } from "./tokens.ts";
import type { OptionsOf, TopicHandle, TopicItemOf, TopicOptions } from "./topic.ts";
import type { TopicUse } from "./topic-use.ts";
import { Topics } from "./topics.ts";

/** The arguments of a request. The input may be left out if the contract has none. */
type Asked<Input> = undefined extends Input
  ? [input?: Input, options?: RequestOptions]
  : [input: Input, options?: RequestOptions];

/** The arguments of a use of a topic. The parameters may be left out if there are none, and only durable topics have options. */
type Used<C extends Contract, Pattern extends string> = keyof TopicParams<Pattern> extends never
  ? [params?: TopicParams<Pattern>, ...OptionsOf<C, Pattern>]
  : [params: TopicParams<Pattern>, ...OptionsOf<C, Pattern>];

/** The other end of a service: what `connect` makes. */
export interface Client<C extends Contract> {
  /** Has a type but never a value: from it, functions that take a client infer its contract. */
  readonly "~contract"?: C;
  /** What the client is doing, and why. A new object after each change. */
  readonly status: Status;
  /** Calls back with each change of `status`. @returns stops that */
  onStatus(listener: (status: Status) => void): () => void;
  /**
   * Asks the service. While there is no connection, the request waits. When the connection is lost, it is sent again on the next one,
   * and still runs only once.
   *
   * @throws ServiceError (rejects) with one of the codes of `FailureCode`, or one of the service's own
   * @example
   * const { position } = await client.request("say", { room, text }, { timeoutMs: 5_000 });
   */
  request<Name extends RequestName<C>>(
    name: Name,
    ...asked: Asked<RequestInput<C, Name>>
  ): Promise<RequestOutput<C, Name>>;
  /**
   * Asks the service for many values, which come one by one. Leaving the loop cancels the stream. By default there is no timeout. When
   * the connection is lost, the stream fails with `lost`.
   *
   * @throws ServiceError in the loop
   * @example
   * for await (const word of client.stream("summarize", { room })) show(word);
   */
  stream<Name extends StreamName<C>>(
    name: Name,
    ...asked: Asked<RequestInput<C, Name>>
  ): AsyncIterableIterator<StreamChunk<C, Name>, undefined>;
  /**
   * Sends an event: something that is of no use later, like "somebody is typing".
   *
   * @returns false if there is no connection: then the event is not sent
   */
  emit<Name extends EventName<C>>(name: Name, input: EventInput<C, Name>): boolean;
  /**
   * Uses a topic, until `close()` of the returned handle is called. A durable topic goes on where it was when the connection is back; others
   * have a `gap` there.
   *
   * @throws TypeError for a parameter that is missing or empty, or where `from` is nowhere to begin
   * @example
   * const room = client.topic("rooms/:room", { room: "42" }, { from: { last: 50 } });
   * for await (const item of room) if (item.type === "message") show(item.data);
   */
  topic<Pattern extends TopicPattern<C>>(
    pattern: Pattern,
    ...used: Used<C, Pattern>
  ): TopicHandle<TopicItemOf<C, Pattern>> & PresenceOf<C, Pattern>;
  /** Gets a new token from the option `token`, and gives it to the service on the open connection, before the old one expires. */
  renewToken(): Promise<void>;
  /** Ends the client for good. Requests that have not been answered reject with `closed`. */
  close(): void;
}

/**
 * Connects to a service, and connects again whenever the connection is lost: with the network, by a restart of the server, or while
 * the device sleeps.
 *
 * Give the type of the contract as the type parameter, so that its schemas are not part of the page: `connect<typeof chat>("/live")`.
 *
 * @param url a path of the page's own server, a URL, or a function that gives one for each attempt
 * @throws TypeError for what is no URL, or where there is no WebSocket
 */
export function connect<C extends Contract>(url: UrlSource, options: ClientOptions = {}): Client<C> {
  return new ServiceClient(url, options) as unknown as Client<C>;
}

class ServiceClient implements ConnectionUser {
  /** Names this client to the service, which keeps its answers until they are confirmed. */
  readonly #id: string = randomId();
  readonly #options: ClientOptions;
  readonly #connection: Connection;
  readonly #tokens: Tokens;
  readonly #requests: Requests;
  readonly #topics: Topics;
  readonly #liveness: Liveness;
  readonly #statuses = new Emitter<Status>();
  #status: Status = { state: "connecting" };
  readonly maxWaiting: number;
  readonly maxItems: number;
  peerId: string | undefined;
  #greetedAt = 0;

  constructor(url: UrlSource, options: ClientOptions) {
    this.#options = options;
    this.maxWaiting = options.maxWaiting ?? 256;
    this.maxItems = options.maxItems ?? 10_000;
    this.#tokens = new Tokens(options.token);
    this.#requests = new Requests(this);
    this.#topics = new Topics(this);
    this.#liveness = new Liveness({
      probe: () => this.send([]),
      dead: () => {
        this.#lost();
        this.#connection.reconnect();
      },
    });
    this.#connection = new Connection(url, options, this);
  }

  get status(): Status {
    return this.#status;
  }

  onStatus(listener: (status: Status) => void): () => void {
    return this.#statuses.on(listener);
  }

  request(name: string, input?: unknown, options?: RequestOptions): Promise<unknown> {
    if (this.#status.state === "closed") return Promise.reject(this.#closed());
    return this.#requests.request(name, input, options);
  }

  stream(name: string, input?: unknown, options?: RequestOptions): AsyncIterableIterator<unknown, undefined> {
    const stream = this.#requests.stream(name, input, options);
    if (this.#status.state === "closed") stream.end({ error: this.#closed() });
    return stream;
  }

  emit(name: string, input: unknown): boolean {
    if (this.peerId === undefined) return false;
    this.send(["e", name, input]);
    return true;
  }

  topic(pattern: string, params?: Readonly<Record<string, string>>, options: TopicOptions = {}): TopicUse {
    return this.#topics.use(topicOf(pattern, params), options.from);
  }

  async renewToken(): Promise<void> {
    this.#tokens.forget();
    const token = await this.#tokens.get();
    if (token !== undefined && this.peerId !== undefined) this.send(["t", token]);
  }

  close(): void {
    this.#connection.close();
  }

  send(frame: ClientFrame): void {
    this.#connection.send(encodeFrame(frame));
  }

  // The members of ConnectionUser.

  async protocols(): Promise<string[]> {
    const token = await this.#tokens.get();
    return token === undefined ? [subprotocol] : [subprotocol, `bearer.${token}`];
  }

  opened(): void {
    this.send(["h", this.#id, this.#topics.ask(), this.#options.version ?? null]);
    this.#liveness.start(0);
  }

  received(data: string | ArrayBuffer): void {
    this.#liveness.heard();
    let frame: ServerFrame | undefined;
    try {
      frame = decodeServerFrame(typeof data === "string" ? data : new Uint8Array(data));
    } catch {
      this.#lost();
      this.#connection.reconnectAfter(1_000, 1002, "not spry.v1");
      return;
    }
    if (frame) this.#dispatch(frame, typeof data === "string" ? data.length : data.byteLength);
  }

  ended(code: number): "retry" | "retry at once" | "give up" {
    const lastedMs = this.peerId === undefined ? 0 : Date.now() - this.#greetedAt;
    this.#lost();
    if (code === 3000 || code === 4401) return this.#tokens.refused(lastedMs) ? "retry at once" : "give up";
    return isFinal(code) ? "give up" : "retry";
  }

  doubted(): void {
    this.#liveness.doubt();
  }

  statusChanged(): void {
    const { status } = this.#connection;
    // The status becomes `open` only with the hello of the service.
    if (status.state === "open") return;
    this.#setStatus(status);
    if (status.state !== "closed") return;
    this.#requests.end(this.#closed());
    this.#topics.end(this.#closed());
    this.#lost();
  }

  #dispatch(frame: ServerFrame, size: number): void {
    switch (frame[0]) {
      case "h":
        this.peerId = frame[1];
        this.#greetedAt = Date.now();
        this.#liveness.start(frame[2]);
        this.#setStatus({ state: "open" });
        this.#topics.opened();
        this.#requests.opened();
        return;
      case "s":
        this.#topics.get(frame[1])?.answered(frame[2], frame[3], frame[4]);
        return;
      case "m":
        this.#topics.get(frame[1])?.message(frame[2], frame[3]);
        return;
      case "g":
        this.#topics.get(frame[1])?.missed(frame[2], frame[3]);
        return;
      case "P":
        this.#topics.get(frame[1])?.present(frame[2]);
        return;
      case "r":
        this.#requests.answered(frame[1], frame[2], size);
        return;
      case "c":
        this.#requests.chunk(frame[1], frame[2]);
        return;
      case "f":
        if (frame[1] === 0) this.#onError(new ServiceError(frame[2].code, frame[2].message, frame[2]));
        else this.#requests.failed(frame[1], frame[2]);
        return;
      case "b":
        this.#lost();
        this.#connection.reconnectAfter(
          frame[1] * (1 + Math.random() / 2),
          frame[2] ?? 1001,
          frame[3] ?? "going away",
        );
    }
  }

  /** There is no connection any more, until the next hello. */
  #lost(): void {
    this.#liveness.stop();
    this.peerId = undefined;
    this.#requests.lost();
    this.#topics.lost();
  }

  #setStatus(status: Status): void {
    if (status.state === this.#status.state && status.retryAt === this.#status.retryAt) return;
    this.#status = status;
    this.#statuses.emit(status);
  }

  #closed(): ServiceError {
    const { code, reason } = this.#status;
    return new ServiceError("closed", `closed: ${code} ${reason}`);
  }

  #onError(error: ServiceError): void {
    const { onError = console.warn } = this.#options;
    onError(error);
  }
}

/** 128 random bits in hexadecimal. Pages without TLS have no `crypto.randomUUID`. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
