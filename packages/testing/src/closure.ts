/** How a connection ended. */
export interface Closure {
  /** The close code (RFC 6455 section 7.4); 1005: none was given, 1006: there was no closing handshake. */
  readonly code: number;
  readonly reason: string;
}
