import { createHash } from "node:crypto";
import { type RequestDefinition, ServiceError } from "@spry-ws/contract";
import { assertFits, encodeFrame, parse, type ServerFrame } from "@spry-ws/contract/wire";
import type { Peer } from "@spry-ws/core";
import type { Handlers } from "./handlers.ts";
import type { Call } from "./implementation.ts";
import type { Encoded } from "./session.ts";

/** One request that is to be run, with its handler. */
export interface CallRequest {
  readonly n: number;
  readonly name: string;
  readonly input: unknown;
  readonly definition: RequestDefinition;
  readonly handler: Handlers["requests"][string];
  readonly peer: Peer;
  readonly clientId: string;
  readonly signal: AbortSignal;
  /** Takes errors that the client must not see. */
  report(error: unknown): void;
}

/** Runs a request. Resolves to the frame that answers it, and never rejects. */
export async function runRequest(call: CallRequest): Promise<Encoded> {
  const { n, definition, name } = call;
  try {
    const output = await call.handler(call.peer, readInput(call), callOf(call));
    if (definition.output) assertFits(definition.output, output, `what the handler of "${name}" returned`);
    return encodeFrame(["r", n, definition.output ? output : undefined]);
  } catch (error) {
    return encodeFrame(failureOf(n, error, call));
  }
}

/**
 * Runs a stream: sends each value when the peer can take it, and then the frame that ends the stream. When the signal is aborted, it
 * stops and ends the generator. Never rejects.
 */
export async function runStream(call: CallRequest): Promise<void> {
  const { n, name, definition, peer, signal } = call;
  let values: AsyncIterator<unknown> | undefined;
  const stop = () => void values?.return?.()?.then(undefined, call.report);
  try {
    const stream = call.handler(peer, readInput(call), callOf(call)) as AsyncIterable<unknown>;
    values = stream[Symbol.asyncIterator]();
    signal.addEventListener("abort", stop);
    for (;;) {
      const { done, value } = await values.next();
      if (signal.aborted) return;
      if (done) break;
      if (definition.stream) assertFits(definition.stream, value, `what the handler of "${name}" yielded`);
      if (!peer.send(encodeFrame(["c", n, value]))) await peer.drained();
    }
    peer.send(encodeFrame(["r", n]));
  } catch (error) {
    if (!signal.aborted) peer.send(encodeFrame(failureOf(n, error, call)));
    else if (!isAbort(error, signal)) call.report(error);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function readInput({ definition, input, name }: CallRequest): unknown {
  return definition.input && parse(definition.input, input, `the input of "${name}"`);
}

function callOf({ n, name, clientId, signal }: CallRequest): Call {
  return {
    name,
    signal,
    get id() {
      // A hash, because the id of a client is a secret, and the id of a call may be stored and sent to others.
      return createHash("sha256").update(`${clientId} ${n}`).digest("base64url").slice(0, 22);
    },
  };
}

/** The frame that tells the client of an error. Errors other than `ServiceError` are reported, and their text is not sent. */
function failureOf(n: number, error: unknown, { report, signal }: CallRequest): ServerFrame {
  if (error instanceof ServiceError) {
    const { code, message, issues } = error;
    return ["f", n, { code, message, ...(issues && { issues }) }];
  }
  if (isAbort(error, signal)) return ["f", n, { code: "aborted", message: "the request was aborted" }];
  report(error);
  return ["f", n, { code: "internal", message: "the service could not answer" }];
}

/** Whether a handler has thrown only because its signal was aborted: that is not an error of the handler. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted && (error === signal.reason || (error instanceof Error && error.name === "AbortError"))
  );
}
