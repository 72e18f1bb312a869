import type { IncomingMessage } from "node:http";

/** The HTTP answer to a handshake that was refused. */
export interface RefusedHandshake {
  readonly status: number;
  /** The reason phrase, like `Unauthorized`. */
  readonly statusText: string;
  /** `headers.getSetCookie()` gives the cookies. */
  readonly headers: Headers;
  /** The whole body, decoded as UTF-8. */
  readonly body: string;
  /**
   * The body parsed as JSON. The type parameter is an assertion.
   *
   * @throws SyntaxError if the body is not JSON
   */
  json<T = unknown>(): T;
}

/** Reads the whole answer. Rejects if the connection ends before that. */
export async function readRefusedHandshake(response: IncomingMessage): Promise<RefusedHandshake> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? "",
    headers: readHeaders(response),
    body,
    json: () => JSON.parse(body),
  };
}

/** The headers as they were sent: Node's own `headers` joins some repeated ones and drops others. */
export function readHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  }
  return headers;
}
