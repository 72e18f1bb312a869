import type { IncomingMessage } from "node:http";
import { createError, describe } from "../errors.ts";
import type { Event } from "../event.ts";
import type { OriginPolicy } from "../options/options.ts";
import { type MaybePromise, whenThere } from "../promises.ts";
import { SaidOnce } from "./said-once.ts";

/**
 * Whether a page may connect. Browsers do not apply CORS to WebSockets and send the user's cookies with them: the check of
 * `Origin` is the server's (RFC 6455 sections 4.2.2 and 10.2).
 *
 * @param origin the `Origin` header; undefined for clients that are no browsers
 * @param host the host as the framework's trust-proxy setting sees it
 */
export function isAllowedOrigin(
  policy: OriginPolicy,
  origin: string | undefined,
  host: string,
  event: Event,
): MaybePromise<boolean> {
  if (origin === undefined || policy === "*") return true;
  if (typeof policy === "function") return whenThere(policy(origin, event), assertDecision);
  return isListed(policy, origin, host);
}

/**
 * Whether a page may read a refusal that came before the route could check its origin. A page of a foreign one must not: that somebody
 * is logged in is no affair of its. In place of a function, which wants the route's event, the host decides; and as a page can set no header,
 * that of a proxy is as good as the request's own.
 */
export function mayBeShownTo(policy: OriginPolicy, { headers }: IncomingMessage): boolean {
  const { origin, host, "x-forwarded-host": forwarded } = headers;
  if (origin === undefined || policy === "*") return true;
  return [host, ...String(forwarded ?? "").split(",", 1)].some(
    (host = "") =>
      URL.canParse(`http://${host}`) &&
      isListed(typeof policy === "function" ? "same" : policy, origin, host.trim()),
  );
}

function isListed(
  policy: Exclude<OriginPolicy, (...args: never[]) => unknown>,
  origin: string,
  host: string,
): boolean {
  return ([policy].flat() as (string | RegExp)[]).some((one) => {
    if (one === "*") return true;
    if (one === "same") return isSameHost(origin, host);
    // search() and not test(), which remembers its place in a RegExp with the flag g.
    return typeof one === "string" ? one === origin : origin.search(one) >= 0;
  });
}

/** Throws for anything but true and false. It would be a mistake, like a forgotten `return`, which would refuse everybody. */
function assertDecision(isAllowed: unknown): boolean {
  if (typeof isAllowed === "boolean") return isAllowed;
  throw createError(
    "SPRY_WS_OPTION",
    `the function of the option "origin" must return true or false, not ${describe(isAllowed)}`,
  );
}

/**
 * Whether host and port are the same. The scheme is not compared: behind a proxy that terminates TLS, the handshakes of `https:` pages
 * reach the app as `http:`. So a host without a port has the default port of the page's scheme.
 */
function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false; // "null"
  const page = new URL(origin);
  if (page.protocol !== "http:" && page.protocol !== "https:") return false;
  const own = new URL(`${page.protocol}//${host}`);
  return page.host === own.host || (isLoopback(page.hostname) && isLoopback(own.hostname));
}

/** Whether a host is the machine itself, by RFC 6761 section 6.3 and the IP standards. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}

/** Reports each refused origin once, with the option that would allow it. For 100 origins at most, as clients can invent any number. */
export class OriginLog {
  readonly #said = new SaidOnce(100);

  note(origin: string, host: string, report: (error: unknown) => void): void {
    if (!this.#said.add(origin)) return;
    report(
      createError(
        "SPRY_WS_ORIGIN",
        `Refused a WebSocket from a page of ${JSON.stringify(origin)} to ${JSON.stringify(host)} with 403. If the page is yours, ` +
          `set the option origin: ["same", ${JSON.stringify(origin)}]; if it should be the same, your proxy replaces the Host header`,
      ),
    );
  }
}
