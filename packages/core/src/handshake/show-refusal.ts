import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Handshake } from "./handshake.ts";
import { mayBeShownTo } from "./origin.ts";
import { ignoreError, lingerMs } from "./response.ts";
import { offeredSubprotocols } from "./validate.ts";

/** What a close frame carries beside its code (RFC 6455 section 5.5). */
const maxReasonBytes = 123;

/**
 * The subprotocol in which a refusal is shown: browsers hide the status of a handshake that fails, so a client that offered the
 * subprotocol of a service gets a 101, and a close frame with 4000 and the status. Undefined where it is an ordinary answer: no error,
 * a route of other hooks, a client that has not offered it, or a page of an origin that may not read it.
 */
export function subprotocolToShow(handshake: Handshake, status: number): string | undefined {
  const { instance, request, isPending, isUndecided, isRaw } = handshake;
  const { speakers } = instance;
  if (speakers.size === 0 || status < 400 || status > 999 || !isPending || isUndecided || isRaw)
    return undefined;
  const offered = offeredSubprotocols(request.headers["sec-websocket-protocol"]);
  const spoken = [...speakers].find(({ subprotocol }) => offered?.has(subprotocol));
  if (!spoken || handshake.refusalReason === "origin") return undefined;
  const mayRead = handshake.isOriginAllowed || mayBeShownTo(instance.options.origin, request);
  return mayRead ? spoken.subprotocol : undefined;
}

/**
 * Ends the handshake with the refusal, as a connection that closes at once: no hook sees it, and it counts as a refusal alone. Nothing
 * may write to the socket any more.
 *
 * @param text why, for the reason of the close frame
 * @param response the framework's, whose body nobody waits for when the connection has ended
 */
export function showRefusal(
  handshake: Handshake,
  subprotocol: string,
  status: number,
  text: string,
  response?: ServerResponse,
): void {
  const { instance, request, socket, head, refusalReason } = handshake;
  handshake.end(refusalReason);
  try {
    const websocket = instance.engine.accept(request, socket, head, { protocol: subprotocol, lines: [] });
    if (!websocket) return;
    websocket.on("error", ignoreError);
    websocket.close(4000 + status, reasonOf(status, text));
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

/** A text that fits into a close frame and is one line; otherwise what the status is called. */
function reasonOf(status: number, text: string): string {
  const isFine = /^\P{Cc}+$/u.test(text) && Buffer.byteLength(text) <= maxReasonBytes;
  return isFine ? text : (STATUS_CODES[status] ?? "");
}
