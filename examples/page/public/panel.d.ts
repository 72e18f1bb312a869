import type { Status } from "@spry-ws/client";

/** What the panel shows of a connection: a client, or a `ReconnectingSocket`. */
export interface Watched {
  readonly status: Status;
  onStatus?(listener: (status: Status) => void): unknown;
  addEventListener?(type: "status", listener: () => void): unknown;
}

/** What can be told to the panel. */
export interface Panel {
  /** Asks again who answers, and how long that takes. */
  measure(): Promise<void>;
  /** Shows what the last return to the room has brought. */
  resumed(text: string): void;
}

/** What the connection is doing, in words. */
export function describe(status: Status): string;

/** Asks who answers with a plain request, `/where`: for pages whose route is a raw one. */
export function askWhere(): Promise<string>;

/** Makes a field say how much its text is too long, and cuts off nothing. */
export function limitLength(field: HTMLInputElement, maxLength: number): void;

/**
 * Shows, in `#panel`, the state of the connection, the round trip, who answers, and what was resumed.
 *
 * @param ask asks who answers; how long that takes is the round trip. It rejects, or settles never, where nobody answers
 */
export function showPanel(watched: Watched, ask: () => Promise<string>): Panel;
