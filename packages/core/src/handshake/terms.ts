import type { IncomingMessage } from "node:http";
import type { Acceptance } from "../connection/opening.ts";
import { toEpochMs } from "../epoch.ts";
import { createError, describe } from "../errors.ts";
import type { UpgradeResult } from "../hooks.ts";
import { describesBody, isOfConnection, isOfHandshake, toHeaders } from "./headers.ts";
import { offeredSubprotocols } from "./validate.ts";

/** What a handshake is accepted with. */
export type Terms = Pick<Acceptance, "context" | "protocol" | "headers" | "expiresAt">;

const bare: Terms = { context: undefined, protocol: undefined, headers: [], expiresAt: undefined };

/** Reads the result of an `upgrade` hook that accepts. */
export function interpret(
  result: Exclude<UpgradeResult<unknown>, Response>,
  request: IncomingMessage,
): Terms {
  if (result === undefined || result === null) return bare;
  if (typeof result !== "object") {
    throw createError(
      "SPRY_WS_UPGRADE_RESULT",
      `The upgrade hook returned ${describe(result)}; it may return nothing, Headers, { headers, protocol, context, expiresAt } or a Response`,
    );
  }
  if (isHeaders(result)) return { ...bare, headers: collectHeaders(toHeaders(result)) };
  const { headers, protocol, context, expiresAt, ...unknown } = result;
  const [name] = Object.keys(unknown);
  if (name !== undefined) {
    throw createError(
      "SPRY_WS_UPGRADE_RESULT",
      `The upgrade hook returned an object with "${name}"; it may have headers, protocol, context and expiresAt: ` +
        `to keep a value for the other hooks write { context: { ${name} } }`,
    );
  }
  if (
    protocol !== undefined &&
    !offeredSubprotocols(request.headers["sec-websocket-protocol"])?.has(protocol)
  ) {
    throw createError(
      "SPRY_WS_SUBPROTOCOL",
      `The upgrade hook chose the subprotocol ${JSON.stringify(protocol)}, which the client did not offer ` +
        `(Sec-WebSocket-Protocol: ${request.headers["sec-websocket-protocol"] ?? "not sent"}); ` +
        "RFC 6455 section 4.2.2 allows only one that it offered",
    );
  }
  return {
    context,
    protocol,
    headers: headers ? collectHeaders(toHeaders(headers)) : [],
    expiresAt: expiresAt === undefined ? undefined : toEpochMs(expiresAt),
  };
}

function collectHeaders(headers: Headers): [string, string][] {
  const collected: [string, string][] = [];
  for (const [name, value] of headers) {
    if (isOfHandshake(name)) {
      throw createError(
        "SPRY_WS_UPGRADE_RESULT",
        `The upgrade hook returned the header "${name}", which belongs to the handshake itself` +
          (name === "sec-websocket-protocol" ? "; to select a subprotocol write { protocol: name }" : ""),
      );
    }
    if (!describesBody(name) && !isOfConnection(name)) collected.push([name, value]);
  }
  return collected;
}

/** Not only by `instanceof`: a Response may come from another realm or from the undici package, and so have another class. */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  return value instanceof Response || Object.prototype.toString.call(value) === "[object Response]";
}

function isHeaders(value: unknown): value is Headers {
  return value instanceof Headers || Object.prototype.toString.call(value) === "[object Headers]";
}
