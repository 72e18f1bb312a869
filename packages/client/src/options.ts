import type { ServiceError } from "@spry-ws/contract";
import type { ConnectionOptions } from "./connection.ts";

/** Options of `connect`. */
export interface ClientOptions extends ConnectionOptions {
  /**
   * A token that says who the client is, or a function that gets one; the service reads it with `useSubprotocolToken(event)`. The
   * function is called once, and again when the service has refused the token (3000, 4401). A token may have only the characters of
   * an HTTP token, as a JWT does.
   */
  token?: string | (() => string | Promise<string>);
  /** The version of the contract this page was made for, where the contract has one. */
  version?: string;
  /** How many requests may wait to be sent, for example while there is no connection; further ones reject with `full`. @default 256 */
  maxWaiting?: number;
  /** How many items of a topic may wait to be read by a loop. @default 10_000 */
  maxItems?: number;
  /**
   * Called with errors that belong to no request: an event that the service has refused.
   *
   * @default console.warn
   */
  onError?: (error: ServiceError) => void;
}
