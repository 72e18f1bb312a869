/** A place in the log of a durable topic, as the store tells it. */
export interface LogPosition {
  /** Which log: up to 64 characters of `A–Z a–z 0–9 _ -`. */
  readonly epoch: string;
  /** The number of the message in the log, 0 before the first one. */
  readonly seq: number;
  /** What tells this message from any other that had the same number: as `epoch`; empty with `seq` 0. */
  readonly tag: string;
}

/** Positions come from clients: nothing in a longer one, or one of other characters, is looked at. */
const written = /^([\w-]{1,64})\.(0|[1-9]\d{0,15})\.([\w-]{0,64})$/;

/** A position as it is sent: `epoch.seq.tag`. */
export function encodePosition({ epoch, seq, tag }: LogPosition): string {
  return `${epoch}.${seq}.${tag}`;
}

/** Reads a position. Undefined for what `encodePosition` would not write of one that is well-formed. */
export function decodePosition(text: string): LogPosition | undefined {
  const [, epoch, digits, tag] = written.exec(text) ?? [];
  if (epoch === undefined || tag === undefined) return undefined;
  const seq = Number(digits);
  return Number.isSafeInteger(seq) && (seq === 0) === (tag === "") ? { epoch, seq, tag } : undefined;
}
