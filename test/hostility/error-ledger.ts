/** What the hooks of the hostile routes throw where they are meant to. */
export class IntendedError extends Error {
  readonly code = "INTENDED";
}

/**
 * Codes of errors that bad input may cause, wherever they are reported: the hooks' own; violations found by `ws`; compressed
 * data that is none; parse errors and resets while the framework still had a response to send; what hooks and clients of the
 * hostile routes provoke in this library.
 */
const expectedCodes = [
  /^INTENDED$/,
  /^WS_ERR_/,
  /^Z_/,
  /^(?:HPE_\w+|ECONNRESET|EPIPE|ERR_INVALID_URL)$/,
  /^SPRY_WS_(?:SUBPROTOCOL|UPGRADE_RESULT|ORIGIN|UNROUTED)$/,
];

/** Counts the errors that reached an `error` hook, `onError` or the framework, and keeps those that nobody expects. */
export class ErrorLedger {
  readonly counts: Record<string, number> = {};
  readonly unexpected: string[] = [];

  take(error: unknown, where: string): void {
    const { code, name } = error as { code?: unknown; name?: unknown };
    const label = String(code ?? name);
    this.counts[label] = (this.counts[label] ?? 0) + 1;
    const isExpected = expectedCodes.some((codes) => codes.test(label)) || isUndecodableParam(error);
    if (!isExpected && this.unexpected.length < 20) {
      this.unexpected.push(`${where}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}

/** `/rooms/%zz`: the routers of Express and Koa refuse it with an error of their own. */
function isUndecodableParam(error: unknown): boolean {
  return error instanceof URIError;
}
