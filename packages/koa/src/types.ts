import type { Context, Next } from "koa";

/**
 * Middleware whose types name only what it uses. So it fits every app, whatever the types of its state and context are, and does not
 * change them for other middleware.
 */
export type WsMiddleware = (ctx: BareContext, next: Next) => unknown;

type BareContext = Pick<
  Context,
  | "app"
  | "append"
  | "host"
  | "ip"
  | "method"
  | "originalUrl"
  | "path"
  | "protocol"
  | "remove"
  | "req"
  | "res"
  | "response"
  | "set"
> & { body: unknown; message: string; respond?: boolean | undefined; status: number };
