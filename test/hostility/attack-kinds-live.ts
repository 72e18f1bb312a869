import fc from "fast-check";
import { frame } from "../fixtures/raw.ts";
import { cut, ending, fewBytes, frames, mutated, noise, wait } from "./arbitraries.ts";
import type { Step } from "./attack.ts";
import { liveLimits } from "./live-service.ts";
import { opening } from "./violations.ts";

const open = opening("/live", { "Sec-WebSocket-Protocol": "spry.v1" });

/** A frame of spry.v1: JSON, or text as it is. */
function say(...all: readonly unknown[]): Step {
  return { do: "send", bytes: Buffer.concat(all.map(textOf).map((text) => frame(text))) };
}

function textOf(one: unknown): string {
  return typeof one === "string" ? one : JSON.stringify(one);
}

/** A header and bytes behind it. */
function binary(header: unknown, bytes: Buffer): Buffer {
  return frame(Buffer.concat([Buffer.from(`${textOf(header)}\n`), bytes]), { opcode: 2 });
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Of one attacker alone: without the bias of fast-check, which likes to repeat itself. */
const clientId = fc.noBias(
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 32, maxLength: 32 }),
);
/** So few that attackers take each other's. */
const sharedId = fc.nat(5).map((n) => `everybody-${n}`.padEnd(20, "x"));

/** After a hello, what the arbitrary gives. */
function afterHello(steps: fc.Arbitrary<readonly Step[]>, id = clientId): fc.Arbitrary<Step[]> {
  return fc.tuple(id, steps).map(([name, rest]) => [open, say(["h", name, []]), ...rest]);
}

const isClosed: Step = { do: "expect close", code: 4400 };
/** The connection is still there, and whatever came before has been dispatched. */
const isServed: readonly Step[] = [say([]), { do: "expect text", text: "[]" }];

const number = fc.oneof(fc.nat(20), fc.constant(Number.MAX_SAFE_INTEGER));
const objectNames = ["__proto__", "constructor", "toString", "hasOwnProperty", "then", ""];
const name = fc.constantFrom("echo", "any", "slow", "large", "endless", "refuse", "move", ...objectNames);
const topic = fc.oneof(
  fc.nat(20).map((n) => `rooms/${n}`),
  fc.constantFrom("open", "rooms/", "rooms/%zz", "rooms/__proto__", "rooms/a/b", ...objectNames),
);

/** Where to begin in a log: words of the protocol, and what no service has said. */
const position = fc.oneof(
  fc.constantFrom(
    null,
    "start",
    "last:1",
    "last:5",
    "last:0",
    "last:99999999",
    "last:-1",
    "",
    ".",
    "..",
    "a.1.b",
  ),
  fc.constantFrom(
    "a.9007199254740993.b",
    "a.-1.b",
    "a.1e3.b",
    "__proto__.1.x",
    "a.0.",
    `${"a".repeat(64)}.1.b`,
  ),
  fc.tuple(fc.nat(300), fc.string({ maxLength: 12 })).map(([seq, tag]) => `epoch.${seq}.${tag}`),
  fc.string({ maxLength: 40 }),
);
const log = fc.tuple(fc.constantFrom("logs", "plain-logs"), fc.nat(3)).map(([kind, n]) => `${kind}/${n}`);

/** What a client may say, each element by itself. */
const honest: fc.Arbitrary<readonly unknown[]> = fc.oneof(
  fc.tuple(fc.constant("q"), number, name, fc.constantFrom(null, "text", { a: 1 })),
  fc.tuple(fc.constant("q"), number, name, fc.constant("again"), fc.constantFrom("peer", null)),
  fc.tuple(fc.constantFrom("x", "a"), number),
  fc.tuple(fc.constantFrom("s", "u"), topic),
  fc.tuple(fc.constant("s"), fc.oneof(log, topic), position),
  fc.tuple(fc.constant("u"), log),
  fc.tuple(
    fc.constant("q"),
    number,
    fc.constant("log"),
    fc.record({ log: fc.nat(3).map(String), text: fc.string({ maxLength: 500 }) }),
  ),
  fc.tuple(fc.constant("e"), name, fc.constantFrom(null, { x: 1 })),
  fc.tuple(fc.constant("t"), fc.string()),
  fc.constant([]),
);

const oddNumber = fc.constantFrom(
  "1e400",
  "1e308",
  "-1",
  "0.5",
  "9007199254740992",
  "-0.1",
  '"1"',
  "null",
  "[1]",
);
const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const depth = fc.constantFrom(1_000, 20_000, 100_000);

/** What ends a conversation: no JSON, no array, elements that are something else. */
const none: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .constantFrom("", "null", "{}", '"q"', "[", '["q"]', '["s",1]', '["h"]', "nonsense")
    .map((text) => frame(text)),
  fc.constantFrom('["s"', '["u","open"]', "").map((header) => binary(header, Buffer.from("x"))),
  noise(200).map((bytes) => frame(Buffer.concat([Buffer.from("\0"), bytes]), { opcode: 2 })),
  fc
    .tuple(fc.constantFrom("q", "x", "a"), oddNumber)
    .map(([kind, n]) => frame(`["${kind}",${n},"echo","text"]`)),
  fc.integer({ min: 513, max: 5_000 }).map((length) => frame(JSON.stringify(["s", "x".repeat(length)]))),
);

/** What can be said in `spry.v1` to a service. */
export const liveKinds: Readonly<Record<string, fc.Arbitrary<Step[]>>> = {
  "live: frames in any order": afterHello(
    fc
      .tuple(fc.array(honest, { maxLength: 40 }), wait(20), ending)
      .map(([all, pause, end]) => [say(...all), pause, end]),
    fc.oneof(clientId, sharedId),
  ),
  "live: mutated frames": afterHello(
    fc.tuple(
      frames(
        mutated(honest.map((one) => Buffer.from(textOf(one)))).map((bytes) => frame(bytes)),
        10,
      ).map((bytes): Step => ({ do: "send", bytes })),
      wait(20),
      ending,
    ),
  ),
  "live: no frames": afterHello(none.map((bytes) => [{ do: "send", bytes }, isClosed])),
  "live: names of Object": afterHello(
    fc.constantFrom(...objectNames, "h2", "\u0000").map((odd) => [
      say(
        ["q", 1, odd, null],
        ["e", odd, null],
        ["s", odd],
        ["s", `rooms/${odd}`],
        ["u", odd],
        ["t", odd],
        [odd, 1],
      ),
      {
        do: "send",
        bytes: Buffer.concat([binary([odd], Buffer.from("x")), binary(["e", odd], Buffer.from("x"))]),
      },
      ...isServed,
    ]),
  ),
  "live: deep JSON": afterHello(
    fc
      .tuple(depth, fc.constantFrom('["q",1,"any",@]', '["e","move",@]', "@", "[@]", '["future",@]'))
      .map(([size, text]) => [
        say(text.replace("@", deep(size))),
        { do: "send", bytes: binary(`[${deep(size)}]`, Buffer.from("x")) },
        ...isServed,
      ]),
  ),

  "live: far too many subscriptions": fc
    .tuple(clientId, fc.integer({ min: 8 * liveLimits.maxSubscriptions + 1, max: 20_000 }))
    .map(([id, count]) => [open, say(["h", id, times(count, (n) => [`rooms/${n}`])]), isClosed]),
  "live: subscriptions without end": afterHello(
    fc
      .integer({ min: 50, max: 1_000 })
      .map((count) => [say(...times(count, (n) => ["s", `rooms/${n}`])), ...isServed]),
  ),
  "live: subscribe and leave": afterHello(
    fc.tuple(fc.integer({ min: 50, max: 500 }), fc.integer({ min: 1, max: 40 })).map(([count, rooms]) => [
      say(
        ...times(count, (n) => [
          ["s", `rooms/${n % rooms}`],
          ["u", `rooms/${n % rooms}`],
        ]).flat(),
      ),
      ...isServed,
    ]),
  ),
  "live: logs": afterHello(
    fc
      .tuple(
        fc.array(
          fc.oneof(
            fc.tuple(fc.constant("s"), log, position),
            fc.tuple(fc.constant("u"), log),
            fc.tuple(
              fc.constant("q"),
              fc.nat(60),
              fc.constant("log"),
              fc.record({ log: fc.nat(3).map(String), text: fc.string({ maxLength: 2_000 }) }),
            ),
          ),
          { minLength: 5, maxLength: 60 },
        ),
        fc.boolean(),
        wait(200),
        ending,
      )
      .map(([all, reads, pause, end]): Step[] =>
        reads ? [say(...all), ...isServed] : [{ do: "stop reading" }, say(...all), pause, end],
      ),
  ),
  "live: a hello with positions": fc
    .tuple(clientId, fc.array(fc.tuple(log, position), { maxLength: 60 }))
    .map(([id, all]) => [open, say(["h", id, all]), ...isServed]),
  "live: ask and cancel": afterHello(
    fc
      .tuple(fc.integer({ min: 20, max: 300 }), fc.constantFrom("slow", "endless"), fc.boolean())
      .map(([count, what, confirms]) => [
        say(
          ...times(count, (i) => [
            ["q", i + 1, what, null],
            ["x", i + 1],
            ...(confirms ? [["a", i + 1]] : []),
          ]).flat(),
        ),
        ...isServed,
      ]),
  ),
  "live: events and tokens without end": afterHello(
    fc.integer({ min: 50, max: 300 }).map((count) => [
      say(
        ...times(count, (x) => [
          ["e", "move", { x }],
          ["t", `token ${x}`],
        ]).flat(),
      ),
      ...isServed,
    ]),
  ),
  "live: answers not confirmed": afterHello(
    fc
      .tuple(fc.integer({ min: 5, max: 30 }), ending)
      .map(([count, end]) => [
        say(...times(count, (n) => ["q", n + 1, "large", null])),
        say(...times(200, () => ["q", 1, "large", null])),
        end,
      ]),
  ),
  "live: one number for all": afterHello(
    fc
      .integer({ min: 2, max: 300 })
      .map((count) => [
        say(...times(count, (i) => ["q", 1, i % 2 ? "slow" : "echo", `text ${i}`])),
        { do: "expect text", text: '["r",1,"text 0"]' },
        ...isServed,
      ]),
  ),
  "live: sent before to others": afterHello(
    fc.tuple(fewBytes, fc.integer({ min: 1, max: 100 })).map(([bytes, n]) => [
      say(["q", n, "echo", "again", `peer ${bytes.toString("hex")}`]),
      {
        do: "expect text",
        text: `["f",${n},{"code":"lost","message":"the connection was lost, and it is not known whether the request ran"}]`,
      },
      say(["q", n + 1, "slow", null, "nobody"]),
      { do: "expect text", text: `["r",${n + 1},"slow"]` },
    ]),
  ),

  "live: no hello": fc.constant([open, { do: "expect close", code: 4408 }]),
  "live: half a hello": fc
    .tuple(cut(clientId.map((id) => frame(textOf(["h", id, []])))), ending)
    .map(([bytes, end]) => [open, { do: "send", bytes }, end]),
  "live: hello at the wrong time": fc
    .tuple(clientId, fc.constantFrom("none", "short", "two"))
    .map(([id, what]) => {
      if (what === "two") return [open, say(["h", id, []], ["h", id, []]), isClosed];
      return [open, say(what === "none" ? ["q", 1, "echo", "text"] : ["h", "short", []]), isClosed];
    }),
  "live: hello of somebody else": afterHello(
    fc
      .tuple(fc.array(honest, { maxLength: 10 }), wait(30), ending)
      .map(([all, pause, end]) => [say(...all), pause, end]),
    sharedId,
  ),

  "live: bytes": afterHello(
    fc
      .tuple(noise(3_000), fc.constantFrom("bytes", "echo", "any"))
      .map(([bytes, what]) => [
        { do: "send", bytes: binary(["q", 1, what], bytes) },
        { do: "send", bytes: binary(["e", "move"], bytes) },
        ...isServed,
      ]),
  ),
  "live: reads nothing": afterHello(
    fc
      .tuple(fc.integer({ min: 1, max: 20 }), wait(30), ending)
      .map(([count, pause, end]) => [
        { do: "stop reading" },
        say(...times(count, (n) => ["q", n + 1, n % 2 ? "large" : "endless", null])),
        pause,
        end,
      ]),
  ),
};
