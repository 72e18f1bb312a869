import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { Request, RequestHandler } from "express";
import session from "express-session";

declare module "express-session" {
  interface SessionData {
    /** Who has logged in. */
    user: string;
  }
}

/** How long a session lives after its last request; a WebSocket counts as one request, its handshake. */
export const sessionLifetimeMs = 8 * 60 * 60 * 1_000;

/** Sessions are kept in memory here; express-session has stores for every database. */
export function sessions(): RequestHandler {
  return session({
    name: "sid",
    // Without SESSION_SECRET a restart logs everybody out, which forgetting the sessions does anyway.
    secret: process.env["SESSION_SECRET"] ?? randomBytes(32).toString("hex"),
    resave: false,
    saveUninitialized: false,
    // lax: no page of another site can post with this cookie. auto: secure wherever the request came over TLS.
    cookie: { httpOnly: true, sameSite: "lax", secure: "auto", maxAge: sessionLifetimeMs },
  });
}

/** With a new id: one that somebody planted in the browser before the login is worth nothing after it. */
export async function logIn(request: Request, user: string): Promise<void> {
  await promisify(request.session.regenerate).call(request.session);
  request.session.user = user;
  await promisify(request.session.save).call(request.session);
}

export async function logOut(request: Request): Promise<void> {
  await promisify(request.session.destroy).call(request.session);
}

/** Whether the session is still in the store: it may have been destroyed since the request read it. */
export async function isLoggedIn(request: Request): Promise<boolean> {
  const get = promisify(request.sessionStore.get).bind(request.sessionStore);
  return (await get(request.sessionID))?.user !== undefined;
}
