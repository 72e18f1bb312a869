import { Backoff, type BackoffOptions } from "./backoff.ts";
import { isOnline, listenToPage } from "./page.ts";
import { after } from "./timers.ts";
import {
  isOpen,
  type WebSocketClass,
  type WebSocketLike,
  webSocketClass,
  webSocketUrl,
} from "./websocket.ts";

/** What a client is doing, and why. A new object with every change. */
export interface Status {
  /**
   * - `connecting`: an attempt is under way
   * - `open`: messages can be sent, and come
   * - `waiting`: pauses before the next attempt
   * - `offline`: the same, while the browser says that there is no network
   * - `closed`: for good, by `close()` or by a close code with which another attempt is of no use
   */
  readonly state: "connecting" | "open" | "waiting" | "offline" | "closed";
  /** The close code of the last connection, like 4401 after a refusal with 401; 0 if an attempt has failed before there was one. */
  readonly code?: number;
  /** The reason of that close; with the code 0, why the attempt has failed. */
  readonly reason?: string;
  /** When the next attempt is due, in milliseconds since the epoch. */
  readonly retryAt?: number;
}

/** Where to connect, and how. */
export interface ConnectionOptions extends BackoffOptions {
  /** The class of the WebSocket, for runtimes that have none: in Node 20 that of `ws`. @default globalThis.WebSocket */
  WebSocket?: WebSocketClass;
  /** How long an attempt may take, in milliseconds. @default 10_000 */
  openTimeoutMs?: number;
}

/** A URL, or a function that gives one for each attempt. */
export type UrlSource = string | URL | (() => string | URL | Promise<string | URL>);

/** What a connection asks and tells its user. */
export interface ConnectionUser {
  protocols(): string[] | Promise<string[]>;
  opened(): void;
  received(data: string | ArrayBuffer): void;
  /** The connection has ended, or an attempt has failed. */
  ended(code: number, reason: string): "retry" | "retry at once" | "give up";
  statusChanged(): void;
  /** The connection may be dead: the network has changed, or the page was hidden. */
  doubted(): void;
}

/** Keeps one connection: makes another whenever it ends, at once when the network is back, otherwise after a pause. */
export class Connection {
  readonly #user: ConnectionUser;
  readonly #url: UrlSource;
  readonly #class: WebSocketClass;
  readonly #openTimeoutMs: number;
  readonly #backoff: Backoff;
  readonly #stopListening: () => void;
  #socket: WebSocketLike | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts the attempts. An attempt that has waited for something sees by it that it has been given up meanwhile. */
  #attempt = 0;
  /** Whether the page has been left, and may be in the back-forward cache. */
  #isAsleep = false;
  #status: Status = { state: "connecting" };

  constructor(url: UrlSource, options: ConnectionOptions, user: ConnectionUser) {
    this.#user = user;
    this.#url = url;
    this.#class = webSocketClass(options.WebSocket);
    this.#openTimeoutMs = options.openTimeoutMs ?? 10_000;
    this.#backoff = new Backoff(options);
    if (typeof url !== "function") webSocketUrl(url); // To throw here, and not in the first attempt, for what is no URL.
    this.#stopListening = listenToPage({
      online: () => this.#wake(),
      visible: () => this.#wake(),
      offline: () => {
        if (isOpen(this.#socket)) user.doubted();
        else if (this.#status.state === "waiting") this.#setStatus({ ...this.#status, state: "offline" });
      },
      hidden: () => {
        this.#isAsleep = true;
        this.#drop(1000, "page hidden"); // Pages may not send 1001.
      },
      shown: () => {
        this.#isAsleep = false;
        this.reconnect();
      },
    });
    // Later, so that listeners can be added before anything happens.
    queueMicrotask(() => this.#status.state === "connecting" && this.reconnect());
  }

  get status(): Status {
    return this.#status;
  }

  get isOpen(): boolean {
    return isOpen(this.#socket);
  }

  get socket(): WebSocketLike | undefined {
    return this.#socket;
  }

  send(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#socket?.send(data as never);
  }

  /** Gives up the present connection, and makes another at once. */
  reconnect(): void {
    if (this.#status.state === "closed" || this.#isAsleep) return;
    this.#drop();
    clearTimeout(this.#timer);
    this.#setStatus({ ...this.#status, state: "connecting" });
    void this.#open(++this.#attempt);
  }

  /** Closes the connection, and makes another after so many milliseconds. */
  reconnectAfter(ms: number, code: number, reason: string): void {
    this.#drop(1000);
    this.#wait(ms, code, reason);
  }

  /** Closes the connection for good. */
  close(code = 1000, reason = ""): void {
    if (this.#status.state === "closed") return;
    this.#attempt++;
    clearTimeout(this.#timer);
    this.#stopListening();
    this.#drop(code, reason);
    this.#setStatus({ state: "closed", code, reason });
  }

  #wake(): void {
    if (this.isOpen) this.#user.doubted();
    else if (this.#status.state === "waiting" || this.#status.state === "offline") this.reconnect();
  }

  /** Never rejects: an error of the user's functions is a failed attempt, and an error of the WebSocket's class closes for good. */
  async #open(attempt: number): Promise<void> {
    const source = this.#url;
    let url: string | URL;
    let protocols: string[];
    try {
      [url, protocols] = await Promise.all([
        typeof source === "function" ? source() : source,
        this.#user.protocols(),
      ]);
    } catch (error) {
      if (attempt === this.#attempt) this.#ended(0, messageOf(error));
      return;
    }
    if (attempt !== this.#attempt) return;
    try {
      const Class = this.#class;
      this.#listen(new Class(webSocketUrl(url), protocols));
    } catch (error) {
      this.close(0, messageOf(error));
    }
  }

  #listen(socket: WebSocketLike): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#backoff.opened();
      this.#setStatus({ state: "open" });
      this.#user.opened();
    };
    socket.onmessage = (({ data }: { data: string | ArrayBuffer }) => this.#user.received(data)) as never;
    socket.onclose = (({ code, reason }: { code: number; reason: string }) =>
      this.#ended(code, reason)) as never;
    // `close` follows. `ws` would throw the error if nobody listened.
    socket.onerror = () => {};
    this.#timer = after(this.#openTimeoutMs, () => {
      this.#drop();
      this.#ended(1006, "no answer");
    });
  }

  /** Closes the socket, and listens to it no more: a dead one may take long to close, and nobody waits for that. */
  #drop(code?: number, reason?: string): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code, reason);
  }

  #ended(code: number, reason: string): void {
    this.#socket = undefined;
    clearTimeout(this.#timer);
    const next = this.#user.ended(code, reason);
    if (this.#status.state === "closed") return;
    if (next === "give up") {
      this.#stopListening();
      this.#setStatus({ state: "closed", code, reason });
    } else this.#wait(next === "retry at once" ? 0 : this.#backoff.nextMs(), code, reason);
  }

  #wait(ms: number, code: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#timer = after(ms, () => this.reconnect());
    this.#setStatus({
      state: isOnline() ? "waiting" : "offline",
      code,
      reason,
      retryAt: Date.now() + Math.round(ms),
    });
  }

  #setStatus(status: Status): void {
    this.#status = status;
    this.#user.statusChanged();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
