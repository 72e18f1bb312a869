/** One thing that an attacker does on its connection. Plain data, so that an attack can be made from a seed and printed. */
export type Step =
  | { readonly do: "send"; readonly bytes: Buffer }
  /** A byte at a time. */
  | { readonly do: "drip"; readonly bytes: Buffer; readonly everyMs: number }
  | { readonly do: "wait"; readonly ms: number }
  /** Sends a handshake that the server has to accept, with frames right behind it, and waits for the 101. */
  | { readonly do: "open"; readonly handshake: Buffer; readonly early?: Buffer }
  | { readonly do: "stop reading" }
  /** The next response must have this status. */
  | { readonly do: "expect response"; readonly status: number }
  /** The next text message from the server must be this. */
  | { readonly do: "expect echo"; readonly text: string }
  /** Some text message from the server must be this, whatever comes before it. */
  | { readonly do: "expect text"; readonly text: string }
  /** The server must close with this code, send nothing behind its close frame, and end the connection. */
  | { readonly do: "expect close"; readonly code: number }
  | { readonly do: "end"; readonly how: Ending };

/** `leave`: the connection stays open and idle, until there are too many of these. */
export type Ending = "reset" | "close" | "half-close" | "leave";

export interface Attack {
  readonly index: number;
  readonly kind: string;
  readonly steps: readonly Step[];
}

const maxSteps = 8;

/** For the report of a failure. */
export function describeAttack({ index, kind, steps }: Attack): string {
  const shown = steps.slice(0, maxSteps).map(describeStep).join("; ");
  return `#${index} ${kind}: ${shown}${steps.length > maxSteps ? `; and ${steps.length - maxSteps} more` : ""}`;
}

function describeStep(step: Step): string {
  switch (step.do) {
    case "send":
      return `send ${describeBytes(step.bytes)}`;
    case "drip":
      return `drip ${describeBytes(step.bytes)} every ${step.everyMs} ms`;
    case "wait":
      return `wait ${step.ms} ms`;
    case "open":
      return `open ${describeBytes(Buffer.concat([step.handshake, step.early ?? Buffer.alloc(0)]))}`;
    case "expect response":
      return `expect ${step.status}`;
    case "expect echo":
      return `expect the echo ${JSON.stringify(step.text)}`;
    case "expect text":
      return `expect ${JSON.stringify(step.text)} among others`;
    case "expect close":
      return `expect close ${step.code}`;
    case "end":
      return step.how;
    default:
      return step.do;
  }
}

function describeBytes(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString("latin1", 0, 60));
  // Nothing that a terminal could take for a command.
  const start = text.replace(/[\x7f-\xff]/g, (one) => `\\x${one.charCodeAt(0).toString(16)}`);
  return bytes.length > 60 ? `${start}… (${bytes.length} bytes)` : start;
}
