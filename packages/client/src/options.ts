import type { ServiceError } from "@spry-ws/contract";
import type { ConnectionOptions } from "./connection.ts";

/** Options of `connect`. */
export interface ClientOptions extends ConnectionOptions {
  /**
   * Who the client is, for the service's `useSubprotocolToken(event)`: a token, or a function that gets one. It is called once, and
   * again when the service has refused the token (3000, 4401). It has only the characters of an HTTP token, as a JWT has.
   */
  token?: string | (() => string | Promise<string>);
  /** The version of the contract this page was made for, where the contract has one. */
  version?: string;
  /** How many requests may wait to be sent, as while there is no connection; further ones reject with `full`. @default 256 */
  maxWaiting?: number;
  /**
   * What belongs to no request: an event that the service did not take.
   *
   * @default console.warn
   */
  onError?: (error: ServiceError) => void;
}
