import type { Context, Next } from "koa";

/**
 * Middleware for every app, whatever the types of its state and context are: it names only what it uses, and so changes them
 * for no other middleware.
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
