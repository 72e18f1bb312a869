import type { IncomingMessage } from "node:http";
import { createError, type SpryWsError } from "../errors.ts";
import type { ErrorContext } from "../options/options.ts";
import { pathOf } from "./path.ts";
import { SaidOnce } from "./said-once.ts";

/** Takes the notices: gives them to `onError`, or to the log. */
export interface NoticeReader {
  report(error: unknown, context: ErrorContext, log?: ((error: unknown) => unknown) | undefined): void;
}

/** The handshake that a notice is about. */
interface Subject {
  /** The request target. */
  readonly target: string;
  readonly request: IncomingMessage;
  /** Whether a `ws(hooks)` handler has taken it. */
  readonly isRouted: boolean;
}

const perKind = 10;

/**
 * Tells the developer of handshakes that have probably not ended as intended, although nothing has failed. Each notice is given once for
 * each path, and for ten paths at most. It does not contain the query, which may be a token.
 */
export class Notices {
  readonly #reader: NoticeReader;
  readonly #ordinary = new SaidOnce(perKind);
  readonly #unanswered = new SaidOnce(perKind);
  readonly #withoutSubprotocol = new SaidOnce(perKind);

  constructor(reader: NoticeReader) {
    this.#reader = reader;
  }

  /** The handshake was answered with 200 to 299, by something that is no `ws(hooks)` handler. */
  ordinaryAnswer({ target, isRouted }: Subject, status: number): void {
    const path = pathOf(target);
    if (status < 200 || status > 299 || isRouted || !this.#ordinary.add(path)) return;
    this.#say(
      createError(
        "SPRY_WS_UNROUTED",
        `The WebSocket handshake for ${path} was answered with ${status} by something that is no ws(hooks) handler: an ordinary ` +
          "route, a catch-all or a static page before the WebSocket route. With Fastify the option ws of a route is not known before " +
          "the plugin has been loaded: write await app.register(spryWs) above it",
      ),
    );
  }

  /** The handshake has not reached a `ws(hooks)` handler in time. */
  unanswered({ target, isRouted }: Subject, timeoutMs: number): void {
    const path = pathOf(target);
    if (isRouted || !this.#unanswered.add(path)) return;
    this.#say(
      createError(
        "SPRY_WS_UNROUTED",
        `Middleware has neither answered the WebSocket handshake for ${path} within ${timeoutMs} ms nor passed it on to ws(hooks); it ` +
          "got a 408. A proxy (http-proxy-middleware) takes it for a plain request and never answers: name your own routes in the option " +
          'path, so that middleware sees no others, and give those to the proxy with server.on("upgrade", proxy.upgrade)',
      ),
    );
  }

  /** The client has offered subprotocols, and the hook has accepted without selecting one. */
  withoutSubprotocol({ target, request }: Subject, log: ((error: unknown) => unknown) | undefined): void {
    if (request.headers["sec-websocket-protocol"] === undefined) return;
    const path = pathOf(target);
    if (!this.#withoutSubprotocol.add(path)) return;
    this.#say(
      createError(
        "SPRY_WS_SUBPROTOCOL",
        `A client offered subprotocols for ${path}, and the upgrade hook selected none: browsers then fail the connection (WHATWG ` +
          "WebSockets section 5). Return { protocol } from upgrade, with one of those it offered; useSubprotocolToken(event).protocol " +
          "is the first that is no token",
      ),
      log,
    );
  }

  #say(error: SpryWsError, log?: ((error: unknown) => unknown) | undefined): void {
    this.#reader.report(error, { stage: "handshake" }, log);
  }
}
