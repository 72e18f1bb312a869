import { types } from "node:util";
import { Message, type MessageData } from "@spry-ws/core";
import { howToSend } from "@spry-ws/core/adapter";
import type { WebSocket } from "ws";
import { within } from "./clock.ts";
import type { Closure } from "./closure.ts";
import { createError, describe, type TestError } from "./errors.ts";
import type { HookWatch } from "./hook-errors.ts";
import { type Arrival, describeMessage, Inbox } from "./inbox.ts";
import { assertOptions } from "./options.ts";

/** How long to wait. */
export interface WaitOptions {
  /**
   * How long to wait, in milliseconds; 0: for ever.
   *
   * @default the `timeoutMs` of `connect`
   */
  readonly timeoutMs?: number;
}

/** An open connection, for which `connect` makes a client. */
export interface OpenConnection {
  readonly websocket: WebSocket;
  readonly headers: Headers;
  readonly timeoutMs: number;
  /** For the text of errors, like `GET /chat/blue`. */
  readonly request: string;
  readonly hooks: HookWatch;
  /** Closes what was opened for the client. Never rejects. */
  leave(): Promise<void>;
}

/**
 * A WebSocket client for tests. What the server sends is queued from the first byte on, until it is read.
 *
 * @example
 * await using client = await connect(app, "/chat/blue");
 * client.send("hello");
 * expect(await client.text()).toBe("hello");
 */
export class TestClient implements AsyncDisposable, AsyncIterable<Message> {
  /** The WebSocket of `ws`, for what this class has no name for. */
  readonly websocket: WebSocket;
  /** The headers of the 101; `headers.getSetCookie()` gives the cookies. */
  readonly headers: Headers;
  readonly #inbox = new Inbox();
  readonly #timeoutMs: number;
  readonly #request: string;
  readonly #hooks: HookWatch;
  readonly #ended: Promise<Closure>;
  readonly #pongs = new Map<string, () => void>();
  #pings = 0;
  #closure: Closure | undefined;
  #failure: unknown;
  #left: Promise<void> | undefined;

  /** @internal Made by `connect`. */
  constructor({ websocket, headers, timeoutMs, request, hooks, leave }: OpenConnection) {
    this.websocket = websocket;
    this.headers = headers;
    this.#timeoutMs = timeoutMs;
    this.#request = request;
    this.#hooks = hooks;
    websocket.on("message", (data: Buffer, isBinary) => {
      this.#inbox.push(isBinary ? Message.bytes(data) : Message.text(data.toString()));
    });
    websocket.on("pong", (data) => this.#pongs.get(data.toString())?.());
    websocket.on("error", (error) => {
      this.#failure = error;
    });
    this.#ended = new Promise((resolve) => {
      websocket.on("close", (code, reason) => {
        this.#left = leave();
        this.#closure = { code, reason: reason.toString() };
        this.#inbox.end();
        resolve(this.#closure);
      });
    });
  }

  /** The subprotocol that the server has selected; empty: none. */
  get protocol(): string {
    return this.websocket.protocol;
  }

  /**
   * Resolves when the connection is closed: `expect(await client.closed).toEqual({ code: 4001, reason: "enough" })`. The time of the
   * wait begins when this property is read.
   *
   * @throws Error `SPRY_WS_TEST_TIMEOUT` (rejects) if it is not closed within the `timeoutMs` of `connect`
   */
  get closed(): Promise<Closure> {
    const closed = this.#closed();
    // Somebody may read the property and never wait for it: then a rejection must not end the process.
    closed.catch(() => {});
    return closed;
  }

  /** The messages that have come and have not been read yet. */
  get unread(): readonly Message[] {
    return this.#inbox.unread;
  }

  /**
   * The next message.
   *
   * @throws Error `SPRY_WS_TEST_TIMEOUT` if none comes in time, `SPRY_WS_TEST_CLOSED` if the connection is closed and every message has
   * been read. The text of both says what had come before
   */
  async next(options?: WaitOptions): Promise<Message> {
    const arrival = await this.#arrival(options);
    if (arrival === "end") throw this.#closedError("no message is left");
    return arrival;
  }

  /**
   * The next message, which has to be a text message, as a string.
   *
   * @throws Error as `next`, and `SPRY_WS_TEST_MESSAGE` for a binary message
   */
  async text(options?: WaitOptions): Promise<string> {
    const message = await this.next(options);
    if (message.isText) return message.text();
    throw createError(
      "SPRY_WS_TEST_MESSAGE",
      `${this.#request}: a text message was expected, but came ${describeMessage(message)}; ` +
        "to read one of either kind write client.next()",
    );
  }

  /**
   * The next message parsed as JSON. The type parameter is an assertion.
   *
   * @throws Error as `next`, and `SPRY_WS_TEST_MESSAGE` for a message that is not JSON
   */
  async json<T = unknown>(options?: WaitOptions): Promise<T> {
    const message = await this.next(options);
    try {
      return message.json<T>();
    } catch (cause) {
      const text = `${this.#request}: JSON was expected, but came ${describeMessage(message)}`;
      throw createError("SPRY_WS_TEST_MESSAGE", text, { cause });
    }
  }

  /**
   * The messages until the connection is closed, whatever its close code. Leaving the loop does not close it.
   *
   * @throws Error `SPRY_WS_TEST_TIMEOUT` if the next message does not come in time
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (let arrival = await this.#arrival(); arrival !== "end"; arrival = await this.#arrival())
      yield arrival;
  }

  /**
   * Sends a message: a string or a text `Message` as text, all else as bytes.
   *
   * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for data that is neither text nor bytes
   * @throws Error `SPRY_WS_TEST_CLOSED` if the connection is not open any more
   */
  send(data: MessageData): void {
    if (!isSendable(data)) {
      const text = `send(data) takes a string, a Message, an ArrayBuffer or a view of one, not ${describe(data)}`;
      throw createError("SPRY_WS_TEST_ARGUMENT", `${text}; ${howToSend(data)}`);
    }
    if (this.websocket.readyState !== this.websocket.OPEN) throw this.#closedError("nothing can be sent");
    this.websocket.send(data instanceof Message ? data.raw : data);
  }

  /**
   * Sends a ping and waits for its pong. Everything that the server has sent before the pong is in `unread` then. So a test can
   * assert that nothing was sent, without waiting for time to pass.
   *
   * @throws Error `SPRY_WS_TEST_TIMEOUT` if it is not answered in time, `SPRY_WS_TEST_CLOSED` if the connection is closed
   */
  async ping(options?: WaitOptions): Promise<void> {
    const timeoutMs = this.#waitMs(options);
    if (this.websocket.readyState !== this.websocket.OPEN) throw this.#closedError("nothing can be sent");
    const data = String(++this.#pings);
    const pong = new Promise<void>((resolve) => this.#pongs.set(data, resolve));
    this.websocket.ping(data);
    const isInTime = await within(Promise.race([pong, this.#ended]), timeoutMs);
    const isAnswered = this.websocket.readyState === this.websocket.OPEN || !this.#closure;
    this.#pongs.delete(data);
    if (!isInTime) throw this.#timeoutError("a ping was not answered", timeoutMs);
    if (!isAnswered) throw this.#closedError("a ping was not answered");
  }

  /**
   * Begins the closing handshake, and resolves when the connection is closed. If the server does not answer within `timeoutMs`, the
   * connection is destroyed, and the code is 1006.
   *
   * @throws TypeError of `ws` for a code or reason that must not be sent
   */
  close(code?: number, reason?: string): Promise<Closure> {
    this.websocket.close(code, reason);
    return this.#ended;
  }

  /** Destroys the connection without a closing handshake, like a client that crashes: the server sees 1006. */
  terminate(): Promise<Closure> {
    this.websocket.terminate();
    return this.#ended;
  }

  /** `await using client = await connect(app)`: closes the connection, and what was opened for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.#left;
  }

  async #closed(): Promise<Closure> {
    if (!(await within(this.#ended, this.#timeoutMs)))
      throw this.#timeoutError("the connection was not closed", this.#timeoutMs);
    return this.#ended;
  }

  /** How long to wait for one thing. */
  #waitMs(options: WaitOptions = {}): number {
    assertOptions(options, ["timeoutMs"], this.#request);
    return options.timeoutMs ?? this.#timeoutMs;
  }

  async #arrival(options?: WaitOptions): Promise<Message | "end"> {
    const timeoutMs = this.#waitMs(options);
    const arrival: Arrival = await this.#inbox.next(timeoutMs);
    if (arrival === "timeout") throw this.#timeoutError("no message came", timeoutMs);
    return arrival;
  }

  #timeoutError(what: string, timeoutMs: number): TestError {
    const text = `${this.#request}: ${what} within ${timeoutMs} ms; ${this.#inbox.describe()}`;
    return createError("SPRY_WS_TEST_TIMEOUT", text);
  }

  #closedError(consequence: string): TestError {
    const closure = this.#closure;
    const how = closure
      ? `the connection was closed with ${closure.code}${closure.reason && ` ${JSON.stringify(closure.reason)}`}`
      : "the connection is closing";
    const text = `${this.#request}: ${how}, ${consequence}; ${this.#inbox.describe()}`;
    // How the server violated the protocol, or what a hook of the app threw: the close code alone would not tell.
    const cause = this.#failure ?? this.#hooks.error;
    return createError("SPRY_WS_TEST_CLOSED", text, { ...(closure && { closure }), cause });
  }
}

/** Whether data is text or bytes. `ws` itself would also send a number, as text, and a list of numbers, as bytes. */
function isSendable(data: unknown): boolean {
  return (
    typeof data === "string" ||
    data instanceof Message ||
    ArrayBuffer.isView(data) ||
    types.isArrayBuffer(data)
  );
}
