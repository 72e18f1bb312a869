const read = "write for await (const chunk of value), and send each chunk";
const body = "write await value.arrayBuffer() for its bytes, or await value.text()";

/** What to write for values that are neither text nor bytes, by what `Object.prototype.toString` calls them: in any realm. */
const byBrand: Readonly<Record<string, string>> = {
  Promise: "await it first",
  Blob: body,
  File: body,
  Response: body,
  Request: body,
  ReadableStream: read,
  AsyncGenerator: read,
  SharedArrayBuffer: "write new Uint8Array(value)",
  String: "write String(value)",
  BigInt: "write String(value)",
  URL: "write String(value)",
  URLSearchParams: "write String(value)",
  FormData: "write Message.json(Object.fromEntries(value))",
  Map: "write Message.json(Object.fromEntries(value))",
  Set: "write Message.json([...value])",
  Error: "write Message.json({ message: value.message })",
  Undefined: 'an empty message is "", and Message.json(null) is the JSON null',
  Function: "call it, and send what it returns",
  AsyncFunction: "call it, and send what it returns in the end",
};

/** The end of an error's text: what to write instead of sending this value. */
export function howToSend(value: unknown): string {
  const special = howToRead(value);
  if (special) return special;
  if (isMessage(value))
    return "it is a Message of another copy of @spry-ws/core (npm ls @spry-ws/core): write value.raw";
  if (isSerializedBuffer(value))
    return "it is a Buffer that has been through JSON: write Buffer.from(value.data)";
  return byBrand[brandOf(value)] ?? "to send it as JSON write Message.json(value)";
}

/**
 * What has to be awaited or read before it can be sent, and would be `{}` as JSON; undefined for every other value.
 */
export function howToRead(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if ("then" in value && typeof value.then === "function") return byBrand["Promise"];
  const brand = brandOf(value);
  if (byBrand[brand] === body) return body;
  return Symbol.asyncIterator in value || byBrand[brand] === read ? read : undefined;
}

function brandOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function isMessage(value: unknown): boolean {
  return (value as object | undefined)?.constructor?.name === "Message" && "isText" in (value as object);
}

/** What `JSON.stringify` makes of a Buffer. */
function isSerializedBuffer(value: unknown): boolean {
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown };
  return type === "Buffer" && Array.isArray(data);
}
