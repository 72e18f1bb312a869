import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

type SocketOfServer = Duplex & { readonly _httpMessage?: ServerResponse | null };

/**
 * Calls back when the responses to all earlier requests of the connection have been sent: a client may pipeline a handshake behind a
 * request that takes long (RFC 9112 section 9.3.2). The later response must not overtake the earlier one, and Node throws if two
 * responses are assigned to one socket. It is not called back if the connection ends before.
 *
 * Node keeps the response that is being sent in the socket's `_httpMessage`, and puts the next one there before it emits
 * `close` on the one that is done.
 */
export function afterEarlierResponses<Arrival>(
  socket: SocketOfServer,
  proceed: (arrival: Arrival) => void,
  arrival: Arrival,
): void {
  const earlier = socket._httpMessage;
  if (earlier) waitFor(earlier, socket, proceed, arrival);
  else if (!socket.destroyed && socket.writable) proceed(arrival);
}

function waitFor<Arrival>(
  earlier: ServerResponse,
  socket: SocketOfServer,
  proceed: (arrival: Arrival) => void,
  arrival: Arrival,
): void {
  earlier.once("close", () => afterEarlierResponses(socket, proceed, arrival));
}
