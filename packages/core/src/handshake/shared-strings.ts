/** How many strings are known at most, and how long one may be. */
const maxStrings = 512;
const maxLength = 256;

/**
 * Headers whose values are the same for many clients. Of others nothing is kept: they may be of one client alone, or a secret (a cookie, a
 * token in `Sec-WebSocket-Protocol`, a key in a header of the app's own), which must not outlive its connection.
 */
const ofManyClients =
  /^(?:host|connection|upgrade|origin|user-agent|pragma|cache-control|accept(?:-[a-z]+)?|sec-(?:fetch|ch)-[a-z-]+|sec-websocket-(?:version|extensions))$/i;

const known = new Map<string, string>();

/**
 * Makes equal strings in the headers of many requests one: the parser has made each anew, while names and most values (of the host, of
 * browsers) are the same for all clients.
 */
export function shareStrings(rawHeaders: string[]): void {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    rawHeaders[i] = shared(name);
    if (ofManyClients.test(name)) rawHeaders[i + 1] = shared(rawHeaders[i + 1] as string);
  }
}

function shared(text: string): string {
  if (text.length > maxLength) return text;
  const same = known.get(text);
  if (same !== undefined) return same;
  // Clients can send what they like. What is common is soon known again.
  if (known.size >= maxStrings) known.clear();
  known.set(text, text);
  return text;
}
