import { SharedMessage } from "@spry-ws/core/adapter";

/** What a stored message begins with: `j` for JSON in UTF-8, `b` for bytes. */
const [json, bytes] = [0x6a, 0x62];

/**
 * A message as it is stored.
 *
 * @throws TypeError for a value that JSON cannot write: a BigInt, a cycle
 */
export function encodeStored(message: unknown): Uint8Array {
  if (message instanceof Uint8Array) return Buffer.concat([Buffer.of(bytes), message]);
  return Buffer.from(`j${JSON.stringify(message) ?? "null"}`);
}

/**
 * The frame that brings a stored message to all subscribers, without reading its JSON.
 *
 * @returns undefined for what `encodeStored` has not written: another program uses the same names in the store
 */
export function frameOf(topic: string, position: string, stored: Uint8Array): SharedMessage | undefined {
  const header = `["m",${JSON.stringify(topic)},"${position}"`;
  const payload = stored.subarray(1);
  if (stored[0] === json)
    return new SharedMessage(Buffer.concat([Buffer.from(`${header},`), payload, Buffer.from("]")]), true);
  if (stored[0] === bytes)
    return new SharedMessage(Buffer.concat([Buffer.from(`${header}]\n`), payload]), false);
  return undefined;
}
