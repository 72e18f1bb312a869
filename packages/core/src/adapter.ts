/**
 * What an adapter is made of: it shows core each request (`adoptRequest`), and in its route handler finds the handshake
 * (`findHandshake`), negotiates it (`negotiate`) and answers through its framework, with 101 or with the refusal. A backplane
 * has its errors from here.
 *
 * @module
 */

export { refusalOf } from "./backplane/refusals.ts";
export { useNative } from "./composables.ts";
export { createError, describe } from "./errors.ts";
export { adoptRequest } from "./handshake/adopt.ts";
export { acceptedBy, findHandshake } from "./handshake/find.ts";
export type { Handshake } from "./handshake/handshake.ts";
export { describesBody } from "./handshake/headers.ts";
export { negotiate, type RouteInfo } from "./handshake/negotiate.ts";
export { type Refusal, upgradeRequired } from "./handshake/refusal.ts";
export { writeRefusal } from "./handshake/response.ts";
export { assertHooksSource } from "./hooks.ts";
export { howToSend } from "./how-to-send.ts";
export { exposeInstance, Instance } from "./instance.ts";
export { reportHookError } from "./observe/report-hook-error.ts";
export { toRequestPath } from "./options/path-option.ts";
export { attempt, type MaybePromise, whenThere } from "./promises.ts";
