import type { TestableApp } from "./app.ts";
import type { TestClient } from "./client.ts";
import { createError, preview } from "./errors.ts";
import { type ConnectOptions, performHandshake } from "./handshake.ts";
import type { RefusedHandshake } from "./refused-handshake.ts";

export type { ConnectOptions } from "./handshake.ts";

/**
 * Connects to a WebSocket route of an app, and resolves when the connection is open.
 *
 * A Fastify or Koa app, a listener function, or a server that does not listen is reached in memory. An app that makes its server in
 * its own `listen`, as an Express app does, is made to listen on a free port of 127.0.0.1. All clients of the app share that server,
 * and it is closed with the last of them. A server that listens already is reached where it listens, and left running.
 *
 * @param path begins with "/", and may have a query. Without it: "/", or for a URL its own path
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for arguments no handshake can be made of
 * @throws Error `SPRY_WS_TEST_REFUSED` if the answer is not a 101 (it is in `error.refusal`), `SPRY_WS_TEST_TIMEOUT` if no answer
 * comes in time, `SPRY_WS_TEST_HANDSHAKE` if the answer is not valid
 * @example
 * await using client = await connect(app, "/chat/blue", { headers: { cookie } });
 * client.send("hello");
 * expect(await client.text()).toBe("hello");
 */
export async function connect(
  app: TestableApp,
  path?: string,
  options?: ConnectOptions,
): Promise<TestClient> {
  const { client, refusal, cause } = await performHandshake(app, path, options);
  if (client) return client;
  const { status, statusText, body } = refusal;
  throw createError(
    "SPRY_WS_TEST_REFUSED",
    `GET ${path ?? "/"}: the handshake was refused with ${status} ${statusText}${body && `: ${preview(body)}`}\n` +
      "To test a refusal write: const answer = await refused(app, path)",
    { refusal, cause },
  );
}

/**
 * Sends a handshake that the app is to refuse, and resolves with the answer when it is complete.
 *
 * @param path as in `connect`
 * @throws Error `SPRY_WS_TEST_ACCEPTED` if the handshake was accepted; all others as in `connect`
 * @example
 * const answer = await refused(app, "/chat/blue");
 * expect(answer.status).toBe(401);
 * expect(answer.headers.get("www-authenticate")).toBe("Bearer");
 */
export async function refused(
  app: TestableApp,
  path?: string,
  options?: ConnectOptions,
): Promise<RefusedHandshake> {
  const { client, refusal } = await performHandshake(app, path, options);
  if (refusal) return refusal;
  await client[Symbol.asyncDispose]();
  throw createError(
    "SPRY_WS_TEST_ACCEPTED",
    `GET ${path ?? "/"}: the handshake was accepted (101), but was expected to be refused\n` +
      "To test an accepted one write: const client = await connect(app, path)",
  );
}
