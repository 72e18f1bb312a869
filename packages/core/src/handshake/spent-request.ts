import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { hasNativeHttp } from "../runtime.ts";
import { shareStrings } from "./shared-strings.ts";

/** Whether the headers of a request are made of its `rawHeaders` anew when they have been taken off it, as in Node. */
const isRebuilt: boolean = !hasNativeHttp && rebuildsHeaders();

function rebuildsHeaders(): boolean {
  try {
    const request = new IncomingMessage(new Socket());
    Object.assign(request, { headers: undefined });
    return typeof request.headers === "object";
  } catch {
    return false;
  }
}

/**
 * Lets a request that lives on with its peer have its headers once only, as `rawHeaders`, of which Node makes `headers` when they are
 * asked for: not where middleware has changed them.
 */
export function slimRequest(request: IncomingMessage): void {
  // No literal: V8 would make one each time.
  if (isRebuilt && isAsReceived(request)) (request as { headers: unknown }).headers = undefined;
  shareStrings(request.rawHeaders);
}

/** Headers that came several times, and are joined, are left as they are. */
function isAsReceived({ headers, rawHeaders }: IncomingMessage): boolean {
  let names = 0;
  for (const name in headers) if (Object.hasOwn(headers, name)) names++;
  if (2 * names !== rawHeaders.length) return false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (headers[(rawHeaders[i] as string).toLowerCase()] !== rawHeaders[i + 1]) return false;
  }
  return true;
}
