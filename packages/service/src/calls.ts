import { createHash } from "node:crypto";
import { type RequestDefinition, ServiceError } from "@spry-ws/contract";
import { assertFits, encodeFrame, parse, type ServerFrame } from "@spry-ws/contract/wire";
import type { Peer } from "@spry-ws/core";
import type { Cancellation } from "./cancellation.ts";
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
  readonly cancellation: Cancellation;
  /** Takes errors that the client must not see. */
  readonly report: (peer: Peer, error: unknown) => void;
}

/**
 * Runs a request, and gives the frame that answers it: at once if the handler answers at once. Never throws or rejects.
 */
export function runRequest(call: CallRequest): Encoded | Promise<Encoded> {
  try {
    const output = call.handler(call.peer, readInput(call), new HandlerCall(call));
    if (!isThenable(output)) return encodeAnswer(call, output);
    return Promise.resolve(output)
      .then((value) => encodeAnswer(call, value))
      .catch((error: unknown) => encodeFailure(call, error));
  } catch (error) {
    return encodeFailure(call, error);
  }
}

/** @throws what is wrong with the output, which is an error of the handler's */
function encodeAnswer({ n, definition, name }: CallRequest, output: unknown): Encoded {
  if (!definition.output) return encodeFrame(["r", n, undefined]);
  assertFits(definition.output, output, `what the handler of "${name}" returned`);
  return encodeFrame(["r", n, output]);
}

function encodeFailure(call: CallRequest, error: unknown): Encoded {
  return encodeFrame(failureOf(call.n, error, call));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";
}

/**
 * Runs a stream: sends each value when the peer can take it, and then the frame that ends the stream. When the signal is aborted, it
 * stops and ends the generator. Never rejects.
 */
export async function runStream(call: CallRequest): Promise<void> {
  const { n, name, definition, peer, cancellation } = call;
  const { signal } = cancellation;
  let values: AsyncIterator<unknown> | undefined;
  const stop = () => void values?.return?.()?.then(undefined, (error) => call.report(peer, error));
  try {
    const stream = call.handler(peer, readInput(call), new HandlerCall(call)) as AsyncIterable<unknown>;
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
    else if (!isAbort(error, cancellation)) call.report(peer, error);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function readInput({ definition, input, name }: CallRequest): unknown {
  return definition.input && parse(definition.input, input, `the input of "${name}"`);
}

/** Makes what few handlers ask for when they ask for it. */
class HandlerCall implements Call {
  readonly name: string;
  readonly #call: CallRequest;

  constructor(call: CallRequest) {
    this.name = call.name;
    this.#call = call;
  }

  get signal(): AbortSignal {
    return this.#call.cancellation.signal;
  }

  get id(): string {
    const { clientId, n } = this.#call;
    // A hash, because the id of a client is a secret, and the id of a call may be stored and sent to others.
    return createHash("sha256").update(`${clientId} ${n}`).digest("base64url").slice(0, 22);
  }
}

/** The frame that tells the client of an error. Errors other than `ServiceError` are reported, and their text is not sent. */
function failureOf(n: number, error: unknown, { report, peer, cancellation }: CallRequest): ServerFrame {
  if (error instanceof ServiceError) {
    const { code, message, issues } = error;
    return ["f", n, { code, message, ...(issues && { issues }) }];
  }
  if (isAbort(error, cancellation)) return ["f", n, { code: "aborted", message: "the request was aborted" }];
  report(peer, error);
  return ["f", n, { code: "internal", message: "the service could not answer" }];
}

/** Whether a handler has thrown only because its signal was aborted: that is not an error of the handler. */
function isAbort(error: unknown, cancellation: Cancellation): boolean {
  if (!cancellation.isAborted) return false;
  return error === cancellation.signal.reason || (error instanceof Error && error.name === "AbortError");
}
