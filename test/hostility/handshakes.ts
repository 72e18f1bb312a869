import fc from "fast-check";
import { type HandshakeText, handshake } from "../fixtures/raw.ts";

type HeaderValue = string | null | readonly string[];

/** Routes whose hooks accept every valid handshake. */
export const openTarget: fc.Arbitrary<string> = fc.constantFrom(
  "/echo",
  "/sync",
  "/throws",
  "/throws-unheard",
  "/topic",
  "/guarded",
);

/** Routes that answer a valid handshake, each in its way. */
export const anyTarget: fc.Arbitrary<string> = fc.oneof(
  openTarget,
  fc.constantFrom("/", "/slow", "/nowhere", "/guarded?refuse", "/guarded?throw", "/rooms/1", "/moody"),
  fc
    .constantFrom("refuse", "throw-response", "broken-body", "throw", "protocol", "nonsense")
    .map((mood) => `/moody?mood=${mood}`),
);

export function valid(target: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return target.map((one) => bytes({ target: one }));
}

const oddMethods = [
  "POST",
  "HEAD",
  "PUT",
  "OPTIONS",
  "CONNECT",
  "TRACE",
  "PRI",
  "get",
  "",
  "G\tET",
  "A".repeat(300),
];
const oddVersions = ["1.0", "0.9", "2.0", "1.2", "9.9", "", "1.1 ", "x"];
const oddTargets = [
  ..."//|//evil/path|*|http://localhost/echo|http://|ws://localhost/echo|http://a:b/|http://u:p@h/echo".split(
    "|",
  ),
  ..."/%|/%zz|/rooms/%E0%A4%A|/rooms/%00|/rooms/__proto__|/../../etc/passwd|/echo#x|/echo\u0000|/e cho|?x".split(
    "|",
  ),
  ..."/echo?x=1?y=2&z|/echo?%|/echo/|/ECHO|/moody?mood=%zz|/\u00ff\u00fe|/echo\\..\\x|javascript:0|/;a=b|/[]".split(
    "|",
  ),
  `/echo?${"x".repeat(8_000)}`,
  `/${"a/".repeat(2_000)}`,
];

/** Values that each header of the handshake may have instead; null leaves it out, a list repeats it. */
const oddHeaders: Readonly<Record<string, readonly HeaderValue[]>> = {
  Host: [
    null,
    "",
    "a b",
    "[::1",
    "localhost:99999",
    "user@host",
    ["a", "b"],
    "%",
    "\u00e9",
    "h/../x",
    "h?x#y",
  ],
  Connection: [
    null,
    "",
    "close",
    "keep-alive, Upgrade",
    "Upgrade, Upgrade",
    ["Upgrade", "close"],
    "upgrade;x",
  ],
  Upgrade: [null, "", "h2c", "h2c, websocket", "WebSocket", ["websocket", "websocket"], "websocket/13", ",,"],
  "Sec-WebSocket-Version": [null, "", "8", "12", "14", "013", "13, 8", ["13", "13"], "13.0", "-1", "1e1"],
  "Sec-WebSocket-Key": [
    null,
    "",
    "short",
    "=".repeat(24),
    "A".repeat(5_000),
    ["a", "b"],
    "dGhlIHNhbXBsZSBub25jZQ== ",
  ],
  "Sec-WebSocket-Protocol": ["", ",", "a, a", "a b", "\u00e9", "x".repeat(4_000), ["a", "b"], "__proto__"],
  "Sec-WebSocket-Extensions": [
    "permessage-deflate; client_max_window_bits=99",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; =",
    "permessage-deflate;;",
    'a="',
    ";",
    ",".repeat(1_000),
    "permessage-deflate, ".repeat(300),
    "__proto__; __proto__=1",
  ],
  "Content-Length": ["0", "5", "-1", "abc", ["1", "2"], "99999999999999999999", "0x10"],
  "Transfer-Encoding": ["chunked", "gzip, chunked", "identity", " chunked"],
  Expect: ["100-continue", "200-ok"],
  Cookie: ["\u0000", "a=%zz", "x=".repeat(2_000), "connect.sid=s%3A"],
  Origin: ["null", "", "http://evil.example", "http://a b", "file://", "\u00ff"],
  "X-Forwarded-For": ["unknown", "::ffff:127.0.0.1", ", , ,", "999.999.999.999"],
  "X-Forwarded-Host": ["a b", "\u00ff", "evil.example, b"],
  "X-Forwarded-Proto": ["https", "javascript", ","],
  "X-Large": ["x".repeat(20_000)],
  "X-Many": [Array.from({ length: 1_200 }, () => "x")],
  "Bad Name": ["x"],
  ["__proto__"]: ["x"],
  "": ["x"],
};

const oddHeader: fc.Arbitrary<readonly [string, HeaderValue]> = fc
  .constantFrom(...Object.keys(oddHeaders))
  .chain((name) => fc.constantFrom(...(oddHeaders[name] ?? [])).map((value) => [name, value] as const));

function seldom<T>(usual: T, odd: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
}

/** Handshakes that are odd in one place or several. */
export const odd: fc.Arbitrary<Buffer> = fc
  .record({
    method: seldom("GET", oddMethods),
    version: seldom("1.1", oddVersions),
    target: fc.oneof(
      { weight: 2, arbitrary: anyTarget },
      { weight: 1, arbitrary: fc.constantFrom(...oddTargets) },
      { weight: 1, arbitrary: fc.webPath() },
    ),
    headers: fc.array(oddHeader, { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
  })
  .map(bytes);

/** Ordinary requests, of which some ask for an upgrade to something else. */
export const plain: fc.Arbitrary<Buffer> = fc
  .record({
    method: fc.constantFrom("GET", "GET", "HEAD", "POST", "OPTIONS"),
    target: anyTarget,
    upgrade: fc.constantFrom(null, null, "h2c", "TLS/1.0"),
    body: fc.constantFrom(null, "5"),
  })
  .map(({ method, target, upgrade, body }) => {
    const headers = {
      Upgrade: upgrade,
      "Content-Length": body,
      Connection: upgrade === null ? null : "Upgrade",
    };
    const head = bytes({ method, target, headers });
    return body === null ? head : Buffer.concat([head, Buffer.from("hello")]);
  });

function bytes(text: HandshakeText): Buffer {
  return Buffer.from(handshake(text), "latin1");
}
