import type { BackplaneMessage } from "../backplane.ts";

/** What workers and primary send each other, under a name of its own beside the app's messages. */
export interface Envelope {
  /** Which of a worker's links it is from or for. */
  readonly link: number;
  readonly "spry-ws": ClusterMessage;
}

export type ClusterMessage =
  | { kind: "hello" | "welcome"; probe: Uint8Array }
  | { kind: "publish" | "deliver"; messages: readonly BackplaneMessage[] }
  | { kind: "subscribe" | "unsubscribe"; topics: readonly string[]; call: number }
  | { kind: "done"; call: number }
  /** Messages for this link were dropped. `since`: the first one, by `process.hrtime`, which is the same in all processes of a host. */
  | { kind: "gap"; since: bigint }
  | { kind: "bye" };

export function isEnvelope(value: unknown): value is Envelope {
  return typeof value === "object" && value !== null && "spry-ws" in value && "link" in value;
}
