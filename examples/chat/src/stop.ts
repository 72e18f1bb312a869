import { once } from "node:events";
import type { Server } from "node:http";
import type { SpryWs } from "@spry-ws/core";

/** Ends one framework's server and its WebSockets. */
export type Stop = () => Promise<void>;

/** How long hooks have to finish, and pages to answer the close frame. */
export const deadlineMs = 2_000;

/** No new connections, then the goodbye to the peers, then whatever HTTP connections are left. */
export async function stopServer(server: Server, spry: SpryWs): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await spry.close({ deadlineMs });
  // Browsers open connections ahead of need, which `server.close()` waits for: no request has ended on them.
  server.closeAllConnections();
  await closed;
}
