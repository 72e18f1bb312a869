import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Speaker } from "../speakers.ts";
import type { Handshake } from "./handshake.ts";
import { mayBeShownTo } from "./origin.ts";
import { ignoreError, lingerMs } from "./response.ts";
import { offeredSubprotocols } from "./validate.ts";

/** What a close frame carries beside its code (RFC 6455 section 5.5). */
const maxReasonBytes = 123;

/**
 * Who shows a refusal in its subprotocol: browsers hide the status of a handshake that fails, so a client that offered the
 * subprotocol of a service gets a 101, and a close frame with 4000 and the status. Undefined where it is an ordinary answer: no error,
 * a route of other hooks, a client that has not offered it, or a page of an origin that may not read it.
 */
export function speakerToShow(handshake: Handshake, status: number): Speaker | undefined {
  const { instance, request, isPending, isUndecided, isRaw } = handshake;
  const { speakers } = instance;
  if (speakers.size === 0 || status < 400 || status > 999 || !isPending || isUndecided || isRaw)
    return undefined;
  const offered = offeredSubprotocols(request.headers["sec-websocket-protocol"]);
  const spoken = [...speakers].find(({ subprotocol }) => offered?.has(subprotocol));
  if (!spoken || handshake.refusalReason === "origin") return undefined;
  const mayRead = handshake.isOriginAllowed || mayBeShownTo(instance.options.origin, request);
  return mayRead ? spoken : undefined;
}

/** What is shown of a refusal. */
export interface ShownRefusal {
  readonly status: number;
  /** Why, for the reason of the close frame. */
  readonly text: string;
  /** The value of its header `Retry-After`. */
  readonly retryAfter: unknown;
}

/**
 * Ends the handshake with the refusal, as a connection that closes at once: no hook sees it, and it counts as a refusal alone. Nothing
 * may write to the socket any more.
 *
 * @param response the framework's, whose body nobody waits for when the connection has ended
 */
export function showRefusal(
  handshake: Handshake,
  speaker: Speaker,
  { status, text, retryAfter }: ShownRefusal,
  response?: ServerResponse,
): void {
  const { instance, request, socket, head, refusalReason } = handshake;
  handshake.end(refusalReason);
  try {
    const terms = { protocol: speaker.subprotocol, lines: [] };
    const websocket = instance.engine.accept(request, socket, head, terms);
    if (!websocket) return;
    websocket.on("error", ignoreError);
    const [code, reason] = [4000 + status, reasonOf(status, text)];
    const retryAfterMs = millisecondsOf(retryAfter);
    const first = retryAfterMs === undefined ? undefined : speaker.refusing?.(code, reason, retryAfterMs);
    if (first !== undefined) websocket.send(first);
    websocket.close(code, reason);
    // As for a refusal that is read: a client that has not answered by then has got it, or never will.
    const timer = setTimeout(() => websocket.terminate(), lingerMs);
    websocket.once("close", () => {
      clearTimeout(timer);
      if (response && !response.writableFinished) response.destroy();
    });
  } catch (error) {
    instance.report(error, { stage: "handshake" });
    socket.destroy();
  }
}

/** A `Retry-After` is a number of seconds or a date (RFC 9110 section 10.2.3). Undefined for what is neither. */
function millisecondsOf(retryAfter: unknown): number | undefined {
  const text = String(retryAfter ?? "");
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  // `Date.parse` takes much that is no date of HTTP.
  const ms = text.endsWith(" GMT") ? Date.parse(text) - Date.now() : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** A text that fits into a close frame and is one line; otherwise what the status is called. */
function reasonOf(status: number, text: string): string {
  const isFine = /^\P{Cc}+$/u.test(text) && Buffer.byteLength(text) <= maxReasonBytes;
  return isFine ? text : (STATUS_CODES[status] ?? "");
}
