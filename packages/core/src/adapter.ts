/**
 * What an adapter is made of: its middleware shows core each request (`adoptRequest`), and its `ws(hooks, fallback)` is a route
 * (`defineRoute`), for which it says how its framework describes a request and answers it. A backplane has its errors from here.
 *
 * @module
 */

export { refusalOf } from "./backplane/refusals.ts";
export { useNative } from "./composables.ts";
export { SharedMessage } from "./connection/shared-message.ts";
export { createError, describe } from "./errors.ts";
export type { Adapter } from "./event.ts";
export { adoptRequest } from "./handshake/adopt.ts";
export { acceptedBy } from "./handshake/find.ts";
export { describesBody } from "./handshake/headers.ts";
export type { RouteInfo } from "./handshake/negotiate.ts";
export type { Refusal } from "./handshake/refusal.ts";
export { writeRefusal } from "./handshake/response.ts";
export { defineRoute, type Route, type RouteSteps } from "./handshake/route.ts";
export { spentResponse } from "./handshake/spent-response.ts";
export { assertHooksSource } from "./hooks.ts";
export { howToSend } from "./how-to-send.ts";
export { exposeInstance, Instance } from "./instance.ts";
export { isNotAppended, notAppended } from "./not-appended.ts";
export type { ExtraMetric } from "./observe/extra-metrics.ts";
export { reportHookError } from "./observe/report-hook-error.ts";
export { toRequestPath } from "./options/path-option.ts";
export { attempt, type MaybePromise } from "./promises.ts";
export { addSpeaker, type Speaker, type SpeakerReport } from "./speakers.ts";
export { subscribeReserved } from "./subscribe-reserved.ts";
