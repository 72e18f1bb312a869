import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { createError } from "../errors.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Read = ReturnType<Reader["read"]>;

/**
 * The bodies that have been read. A hook may return the same Response for all refusals, but a body can be read only once. Undefined: the
 * body was not complete at once, and has been streamed.
 */
const bodies = new WeakMap<Response, Promise<Buffer | undefined>>();

/**
 * Reads the body of a `Response`. Resolves to its bytes if it is complete at once, as a body made of a string is; otherwise to a stream.
 * The stream is cancelled when the client has gone, and if it fails, the socket is destroyed.
 *
 * @param outgoing the framework's response; undefined if it has been sent or abandoned already
 * @throws TypeError `SPRY_WS_UPGRADE_RESULT` (rejects) for a body that has been read already
 */
export async function readBody(
  response: Response,
  outgoing: ServerResponse | undefined,
): Promise<Buffer | Readable | null> {
  const earlier = bodies.get(response);
  if (earlier) return (await earlier) ?? throwUsed();
  const { body } = response;
  if (!body) return response.status === 204 || response.status === 304 ? null : Buffer.alloc(0);
  if (response.bodyUsed || body.locked) throwUsed();
  const reader = body.getReader();
  const first = reader.read();
  const second = first.then((read) => (read.done ? read : reader.read()));
  const bytes = bytesAtOnce(first, second);
  bodies.set(
    response,
    bytes.catch(() => undefined),
  );
  return (await bytes) ?? stream(reader, first, second, outgoing);
}

/**
 * The bytes of the body, if it ends in this turn of the event loop. It is not cancelled meanwhile, even if the client goes: other refusals
 * may wait for it too.
 */
async function bytesAtOnce(first: Read, second: Read): Promise<Buffer | undefined> {
  const isComplete = await Promise.race([second.then(({ done }) => done), immediately(false)]);
  return isComplete ? Buffer.from((await first).value ?? []) : undefined;
}

async function stream(
  reader: Reader,
  first: Read,
  second: Read,
  outgoing: ServerResponse | undefined,
): Promise<Buffer | Readable> {
  // Rejects for a body that has failed, where there is nothing to cancel.
  const cancel = () => void reader.cancel().catch(() => {});
  if (outgoing && !outgoing.destroyed) outgoing.once("close", cancel);
  else cancel();
  await first;
  const bytes = await bytesAtOnce(first, second);
  if (bytes) return bytes;
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    const { value } = await first;
    if (value) yield value;
    for (let read = await second; !read.done; read = await reader.read()) yield read.value;
  };
  const readable = Readable.from(rest(), { objectMode: false });
  readable.on("error", () => outgoing?.socket?.destroy());
  readable.on("close", cancel);
  return readable;
}

function throwUsed(): never {
  throw createError(
    "SPRY_WS_UPGRADE_RESULT",
    "The upgrade hook returned a Response whose body has been read before: make a new Response for each refusal, or give it a " +
      "body that is complete at once, a string or bytes",
  );
}

function immediately<T>(value: T): Promise<T> {
  return new Promise((resolve) => setImmediate(resolve, value));
}
