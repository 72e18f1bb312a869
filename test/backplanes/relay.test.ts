import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setImmediate as turn } from "node:timers/promises";
import {
  type Backplane,
  type BackplaneMessage,
  createPublisher,
  createSpryWs,
  type ErrorContext,
  type SpryWsOptions,
} from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import { http } from "../adapters/http.ts";
import { Client } from "../fixtures/client.ts";
import { ManualBackplane } from "../fixtures/manual-backplane.ts";
import { Queue } from "../fixtures/queue.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";

interface Setup extends AsyncDisposable {
  readonly app: RunningApp;
  readonly backplane: ManualBackplane;
  readonly errors: Queue<{ error: Error & { code?: string; durationMs?: number }; context: ErrorContext }>;
  open(): Promise<Client>;
}

/** An app whose peers subscribe to what they send; `-topic` unsubscribes. */
async function setUp(options: SpryWsOptions = {}): Promise<Setup> {
  const backplane = new ManualBackplane();
  const errors: Setup["errors"] = new Queue();
  const app = await serve(http, {
    routes: {
      "/": {
        hooks: {
          message(peer, message) {
            const text = message.text();
            if (text.startsWith("-")) peer.unsubscribe(text.slice(1));
            else if (text.startsWith("!")) peer.publish("news", text.slice(1));
            else peer.subscribe(text);
            peer.send("done");
          },
        },
      },
    },
    options: {
      backplane,
      onError: (error, context) => errors.push({ error: error as Error, context }),
      ...options,
    },
  });
  return {
    app,
    backplane,
    errors,
    open: () => Client.open(app.url("/")),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

async function tell(client: Client, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    client.send(text);
    expect(await client.next()).toBe("done");
  }
}

/** What another process would publish. */
async function published(...payloads: (string | Uint8Array)[]): Promise<BackplaneMessage[]> {
  const backplane = new ManualBackplane();
  const publisher = createPublisher({ backplane });
  for (const payload of payloads) publisher.publish("news", payload);
  backplane.events.up();
  const { messages, resolve } = await backplane.next("publish");
  resolve();
  await publisher.close();
  return [...messages];
}

describe("what is told to a backplane", () => {
  it("is a subscription for the first subscriber of a topic, and its end after the last one", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    await using one = await setup.open();
    await using other = await setup.open();
    await tell(one, "news");
    const first = await setup.backplane.next("subscribe");
    first.resolve();
    await tell(other, "news", "sport", "-news");
    const second = await setup.backplane.next("subscribe");
    second.resolve();
    await tell(one, "-news");
    const third = await setup.backplane.next("unsubscribe");
    third.resolve();
    expect([first.topics, second.topics, third.topics]).toEqual([["news"], ["sport"], ["news"]]);
  });

  it("is one subscription for the listeners and peers of a topic, until the last of both has left", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    const { spry } = setup.app;
    const stops = ["news", "news", "sport"].map((topic) => spry.subscribe(topic, () => {}));
    const ready = spry.ready();
    const first = await setup.backplane.next("subscribe");
    expect(first.topics).toEqual(["news", "sport"]);
    expect(await Promise.race([ready.then(() => "ready"), turn("not yet")])).toBe("not yet");
    first.resolve();
    await ready;
    await using client = await setup.open();
    await tell(client, "news");
    for (const stop of stops) stop();
    const second = await setup.backplane.next("unsubscribe");
    second.resolve();
    await tell(client, "-news");
    const third = await setup.backplane.next("unsubscribe");
    third.resolve();
    expect([second.topics, third.topics]).toEqual([["sport"], ["news"]]);
  });

  it("is nothing for what came and went within a turn, and one call for many", async () => {
    const backplane = new ManualBackplane();
    await using app = await serve(http, {
      routes: {
        "/": {
          hooks: {
            open(peer) {
              for (const topic of ["a", "b", "c"]) peer.subscribe(topic);
              peer.unsubscribe("b");
            },
          },
        },
      },
      options: { backplane },
    });
    backplane.events.up();
    await using _client = await Client.open(app.url("/"));
    const call = await backplane.next("subscribe");
    call.resolve();
    expect(call.topics).toEqual(["a", "c"]);
  });

  it("is the publishes of a turn in one call, in order", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    for (const text of ["1", "2", "3"]) setup.app.spry.publish(`topic ${text}`, text);
    const call = await setup.backplane.next("publish");
    call.resolve();
    expect(call.topics).toEqual(["topic 1", "topic 2", "topic 3"]);
  });

  it("waits until the link is up", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    setup.app.spry.publish("news", "x");
    expect(await client.next()).toBe("x");
    setup.backplane.events.up();
    (await setup.backplane.next("subscribe")).resolve();
    (await setup.backplane.next("publish")).resolve();
  });

  it("is tried again where a subscription was refused, and reported", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    await using client = await setup.open();
    await tell(client, "news");
    (await setup.backplane.next("subscribe")).reject(new Error("not now"));
    const { error, context } = await setup.errors.next();
    expect([error.code, (error.cause as Error).message, context.stage]).toEqual([
      "SPRY_WS_BACKPLANE",
      "not now",
      "backplane",
    ]);
    const again = await setup.backplane.next("subscribe");
    again.resolve();
    expect(again.topics).toEqual(["news"]);
    await setup.app.spry.ready();
  });
});

describe("what comes from a backplane", () => {
  it("goes to all local subscribers, text as text and bytes as bytes", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    for (const { topic, data } of await published("é", Uint8Array.of(0, 255)))
      setup.backplane.events.message(topic, data);
    expect(await client.messages.take(2)).toEqual(["é", Buffer.of(0, 255)]);
    expect(setup.app.spry.metrics()).toMatchObject({ backplaneReceived: 2, backplanePublished: 0 });
  });

  it("is dropped where it came already, or is an own message", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    await using client = await setup.open();
    await tell(client, "news");
    (await setup.backplane.next("subscribe")).resolve();
    const [first, second, third] = (await published("1", "2", "3")) as [
      BackplaneMessage,
      BackplaneMessage,
      BackplaneMessage,
    ];
    setup.app.spry.publish("news", "own");
    const own = await setup.backplane.next("publish");
    own.resolve();
    for (const { topic, data } of [first, second, ...own.messages, first, second, third, third])
      setup.backplane.events.message(topic, data);
    client.send("end");
    expect(await client.messages.take(5)).toEqual(["own", "1", "2", "3", "done"]);
  });

  it("comes once from each of many publishers, of which the oldest are forgotten", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    const texts = Array.from({ length: 260 }, (_, i) => `from ${i}`);
    const messages = (await Promise.all(texts.map((text) => published(text)))).flat();
    for (const { topic, data } of [...messages, ...messages.slice(-200)])
      setup.backplane.events.message(topic, data);
    setup.app.spry.publish("news", "end");
    expect(await client.messages.take(261)).toEqual([...texts, "end"]);
  });

  it("is ignored where nobody is subscribed, or nobody of this version has sent it; the latter is reported once", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    const [valid] = (await published("valid")) as [BackplaneMessage];
    const invalidText = Buffer.from((await published("é"))[0]?.data ?? []).fill(0xff, 15);
    setup.backplane.events.message("other", valid.data);
    for (const data of [Buffer.alloc(0), Buffer.from("hello"), Buffer.alloc(40, 7), invalidText])
      setup.backplane.events.message("news", data);
    setup.backplane.events.message("news", valid.data);
    expect(await client.next()).toBe("valid");
    const { error } = await setup.errors.next();
    expect(error.message).toMatch(/prefix of its own/);
    setup.backplane.events.error(new Error("the next one"));
    expect((await setup.errors.next()).error.cause).toEqual(new Error("the next one"));
  });

  it("is ignored without a word where it is a control that a later version may know, or one that is cut off", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    const payloads = [[], [0], [3, 1, 2], [1], [1, 0x03], [2, 0, 0], [255]].map((bytes) =>
      Buffer.from(bytes),
    );
    for (const { topic, data } of await published(...payloads)) {
      const control = Buffer.from(data);
      control[0] = 2 << 1;
      setup.backplane.events.message(topic, control);
    }
    setup.app.spry.publish("news", "still here");
    expect(await client.next()).toBe("still here");
    expect(setup.errors.waiting).toEqual([]);
  });

  it("closes nobody where it says a code that no endpoint may send, which is reported", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    const [{ topic, data }] = (await published(Buffer.of(1, 0x03, 0xed))) as [BackplaneMessage];
    const control = Buffer.from(data);
    control[0] = 2 << 1;
    setup.backplane.events.message(topic, control);
    expect((await setup.errors.next()).error).toMatchObject({ code: "SPRY_WS_CLOSE" });
    await tell(client, "sport");
  });

  it.each([
    [new Error("maximum subscriptions exceeded"), "manual had an error: maximum subscriptions exceeded"],
    [new AggregateError([new Error("::1"), new Error("127.0.0.1")]), "manual had an error: ::1, 127.0.0.1"],
    [new TypeError(), "manual had an error: TypeError"],
    ["a text", "manual had an error: a text"],
    [undefined, "manual had an error"],
  ])("is an error, whose reason is in the text that is reported: %s", async (cause, message) => {
    await using setup = await setUp();
    setup.backplane.events.error(cause);
    const { error } = await setup.errors.next();
    expect([error.message, error.cause]).toEqual([message, cause]);
  });

  it("is what another peer published, but not to itself", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    await using client = await setup.open();
    await tell(client, "news");
    (await setup.backplane.next("subscribe")).resolve();
    await tell(client, "!hello");
    const call = await setup.backplane.next("publish");
    call.resolve();
    expect(
      Buffer.from((call.messages[0] as BackplaneMessage).data)
        .subarray(15)
        .toString(),
    ).toBe("hello");
  });
});

describe("an outage", () => {
  it("keeps what was published, hands over again what was not confirmed, and is reported once with its duration", async () => {
    await using setup = await setUp();
    const { events } = setup.backplane;
    const states: unknown[] = [];
    const note = (event: unknown) => states.push((event as { state: string }).state);
    subscribe("spry-ws:backplane", note);
    events.up();
    setup.app.spry.publish("news", "1");
    const unconfirmed = await setup.backplane.next("publish");
    events.down(new Error("connection lost"));
    events.down(new Error("connection refused"));
    unconfirmed.reject(new Error("connection lost"));
    setup.app.spry.publish("news", "2");
    const down = await setup.errors.next();
    expect([down.error.code, down.error.message]).toEqual([
      "SPRY_WS_BACKPLANE",
      "manual is not connected; messages of other processes do not come until it is back: connection lost",
    ]);
    expect(setup.app.spry.metrics().backplaneConnected).toBe(false);
    events.up();
    events.up();
    unsubscribe("spry-ws:backplane", note);
    const again = await setup.backplane.next("publish");
    again.resolve();
    expect(again.messages.map(({ data }) => Buffer.from(data).subarray(15).toString())).toEqual(["1", "2"]);
    const gap = await setup.errors.next();
    expect(gap.error.code).toBe("SPRY_WS_BACKPLANE_GAP");
    expect(gap.error.durationMs).toBeTypeOf("number");
    expect(states).toEqual(["up", "down", "up"]);
  });

  it("counts as long as the link has heard nothing, not from when that was noticed", async () => {
    await using setup = await setUp();
    const { events } = setup.backplane;
    const durations: unknown[] = [];
    const note = (event: unknown) => durations.push((event as { durationMs?: number }).durationMs);
    events.up();
    subscribe("spry-ws:backplane", note);
    const now = performance.now();
    events.down(new Error("no answer"), { lastHeardAt: now - 5_000 });
    events.down(new Error("refused"), { lastHeardAt: now - 60_000 });
    events.down(new Error("refused"));
    events.up();
    await setup.errors.next();
    const gap = (await setup.errors.next()).error as Error & { durationMs: number };
    expect(gap.durationMs).toBeGreaterThanOrEqual(60_000);
    expect(gap.durationMs).toBeLessThan(70_000);
    expect(gap.message).toBe(
      `manual is back; what other processes published in the last ${gap.durationMs} ms may be missing here`,
    );
    events.down(new Error("again"), { lastHeardAt: performance.now() + 1_000 });
    events.up();
    await setup.errors.next();
    const next = (await setup.errors.next()).error as Error & { durationMs: number };
    expect(next.durationMs).toBeGreaterThanOrEqual(0);
    expect(next.durationMs).toBeLessThan(1_000);
    unsubscribe("spry-ws:backplane", note);
    expect(durations).toEqual([undefined, gap.durationMs, undefined, next.durationMs]);
  });

  it("is over for what was kept, and what follows it, once the others are back too", async () => {
    await using setup = await setUp();
    const { events } = setup.backplane;
    const next = async () => {
      const call = await setup.backplane.next("publish");
      call.resolve();
      return call.messages.map(({ data }) => Buffer.from(data).subarray(15).toString());
    };
    setup.app.spry.publish("news", "before the first connection");
    events.up({ othersBackWithinMs: 60_000 });
    expect(await next()).toEqual(["before the first connection"]);
    for (let outage = 0; outage < 2; outage++) {
      events.down(new Error("connection lost"));
      setup.app.spry.publish("news", "kept");
      // The first time, the link is lost again before the others are back.
      events.up({ othersBackWithinMs: outage === 0 ? 60_000 : 300 });
    }
    const upAt = performance.now();
    setup.app.spry.publish("news", "new");
    expect(await next()).toEqual(["kept", "kept", "new"]);
    expect(performance.now() - upAt).toBeGreaterThan(290);
    setup.app.spry.publish("news", "at once");
    const sentAt = performance.now();
    expect(await next()).toEqual(["at once"]);
    expect(performance.now() - sentAt).toBeLessThan(290);
  });

  it("does not hold up local subscribers", async () => {
    await using setup = await setUp();
    setup.backplane.events.down(new Error("unreachable"));
    await using client = await setup.open();
    await tell(client, "news");
    setup.app.spry.publish("news", "local");
    expect(await client.next()).toBe("local");
  });

  it.each([
    ["dropNewest", ["1", "2"]],
    ["dropOldest", ["3", "4"]],
  ] as const)("drops with %s beyond the bound of the buffer, and says so once", async (onLimit, kept) => {
    // 15 bytes of envelope and 4 of the topic each.
    await using setup = await setUp({ backplaneBuffer: { maxBytes: 43, onLimit } });
    for (const text of ["1", "2", "3", "4"]) setup.app.spry.publish("news", text);
    expect((await setup.errors.next()).error.code).toBe("SPRY_WS_BACKPLANE_FULL");
    expect(setup.app.spry.metrics()).toMatchObject({
      backplaneDropped: 2,
      backplanePublished: 4,
      backplaneBufferedBytes: 40,
    });
    setup.backplane.events.up();
    const call = await setup.backplane.next("publish");
    call.resolve();
    expect(call.messages.map(({ data }) => Buffer.from(data).subarray(15).toString())).toEqual(kept);
  });

  it("keeps what a slow broker has not confirmed within the bound", async () => {
    await using setup = await setUp({ backplaneBuffer: { maxBytes: 4_000_000 } });
    setup.backplane.events.up();
    const payload = new Uint8Array(1_000_000);
    setup.app.spry.publish("news", payload);
    const first = await setup.backplane.next("publish");
    for (let i = 0; i < 5; i++) setup.app.spry.publish("news", payload);
    expect(setup.app.spry.metrics()).toMatchObject({
      backplaneDropped: 3,
      backplaneBufferedBytes: 3_000_057,
    });
    first.resolve();
    const second = await setup.backplane.next("publish");
    expect(second.messages).toHaveLength(2);
    second.resolve();
  });

  it("gives up what a broker that is up refuses, and reports it", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    setup.app.spry.publish("news", "too large");
    (await setup.backplane.next("publish")).reject(new Error("maximum payload exceeded"));
    const { error } = await setup.errors.next();
    expect([error.code, (error.cause as Error).message]).toEqual([
      "SPRY_WS_BACKPLANE",
      "maximum payload exceeded",
    ]);
    expect(setup.app.spry.metrics()).toMatchObject({ backplaneDropped: 1, backplaneBufferedBytes: 0 });
  });
});

describe("count()", () => {
  it("asks when answers find their way, and takes those to its question that come in time, once", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    await using client = await setup.open();
    await tell(client, "news");
    (await setup.backplane.next("subscribe")).resolve();
    const { spry } = setup.app;
    const count = spry.count("news", { waitMs: 1_000 });
    const subscription = await setup.backplane.next("subscribe");
    const [answersTo] = subscription.topics as [string];
    expect(answersTo).toMatch(/^spry-ws:answers:/);
    await turn();
    expect(setup.backplane.calls.waiting).toEqual([]);
    subscription.resolve();
    const question = await setup.backplane.next("publish");
    question.resolve();
    expect(question.topics).toEqual(["news"]);
    const number = Buffer.from(question.messages[0]?.data ?? []).readUIntBE(16, 6);
    const answer = (of: number, peers: number) => {
      const bytes = Buffer.alloc(12);
      bytes.writeUIntBE(of, 0, 6);
      bytes.writeUIntBE(peers, 6, 6);
      return bytes;
    };
    const answers = await published(answer(number, 1_000), answer(number + 1, 7), "an answer?", Buffer.of(1));
    answers.push(...(await published(answer(number, 20))));
    for (const { data } of [...answers, ...answers]) setup.backplane.events.message(answersTo, data);
    expect(await count).toBe(1_021);
    expect(spry.metrics().listeners).toBe(0);
    for (const { data } of await published(answer(number, 5)))
      setup.backplane.events.message(answersTo, data);
    expect(setup.errors.waiting).toEqual([]);
  });

  it("is that of this process where the backplane is away: after the time, or at once where it stays away", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    const { spry } = setup.app;
    const before = performance.now();
    expect(await spry.count("news", { waitMs: 200 })).toBe(1);
    expect(performance.now() - before).toBeGreaterThan(150);
    const count = spry.count("news", { waitMs: 60_000 });
    setup.backplane.events.down(new Error("wrong password"), { permanent: true });
    expect(await count).toBe(1);
    expect(await spry.count("news", { waitMs: 60_000 })).toBe(1);
    expect(spry.metrics().backplanePublished).toBe(0);
  });

  it("ends with what has been answered when the instance is closed", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    const { spry } = setup.app;
    const count = spry.count("news", { waitMs: 60_000 });
    (await setup.backplane.next("subscribe")).resolve();
    (await setup.backplane.next("publish")).resolve();
    await spry.close();
    expect(await count).toBe(0);
    expect(await spry.count("news", { waitMs: 60_000 })).toBe(0);
    expect(setup.errors.waiting).toEqual([]);
  });
});

describe("ready()", () => {
  it("resolves at once without a backplane", async () => {
    await using spry = createSpryWs();
    await spry.ready();
  });

  it("waits for the link and all subscriptions", async () => {
    await using setup = await setUp();
    await using client = await setup.open();
    await tell(client, "news");
    let isReady = false;
    const ready = setup.app.spry.ready().then(() => {
      isReady = true;
    });
    setup.backplane.events.up();
    const call = await setup.backplane.next("subscribe");
    expect(isReady).toBe(false);
    call.resolve();
    await ready;
  });

  it("rejects at once with the reason when the link cannot recover, and after the timeout otherwise", async () => {
    await using setup = await setUp();
    setup.backplane.events.down(new Error("ECONNREFUSED"));
    await expect(setup.app.spry.ready({ timeoutMs: 1 })).rejects.toMatchObject({
      code: "SPRY_WS_BACKPLANE",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    const ready = setup.app.spry.ready();
    setup.backplane.events.down(new Error("WRONGPASS"), { permanent: true });
    await expect(ready).rejects.toMatchObject({ message: "manual cannot be used: WRONGPASS" });
  });
});

describe("close()", () => {
  it("hands over what was published in the same tick, then ends the link", async () => {
    const backplane = new ManualBackplane();
    const publisher = createPublisher({ backplane });
    publisher.publish("news", "last words");
    const closed = publisher.close();
    backplane.events.up();
    const call = await backplane.next("publish");
    expect(call.messages.map(({ data }) => Buffer.from(data).subarray(15).toString())).toEqual([
      "last words",
    ]);
    call.resolve();
    await backplane.next("close");
    await closed;
  });

  it("hands over what is published until it has ended, then counts and reports once what comes too late", async () => {
    const backplane = new ManualBackplane();
    const errors: Error[] = [];
    const spry = createSpryWs({ backplane, onError: (error) => errors.push(error as Error) });
    spry.publish("news", "1");
    const closed = spry.close();
    backplane.events.up();
    const first = await backplane.next("publish");
    spry.publish("news", "2");
    first.resolve();
    (await backplane.next("publish")).resolve();
    await backplane.next("close");
    await closed;
    for (const text of ["3", "4"]) spry.publish("news", text);
    await turn();
    expect(backplane.calls.waiting).toEqual([]);
    expect(spry.metrics()).toMatchObject({ backplanePublished: 4, backplaneDropped: 2 });
    expect(errors.map(({ message }) => message)).toEqual([
      'a message for the topic "news" was published after close(): other processes do not get it, nor any that follow',
    ]);
  });

  it("does not wait for a link beyond its deadline", async () => {
    const never = () => new Promise<void>(() => {});
    const backplane: Backplane = {
      name: "stuck",
      open(events) {
        setImmediate(() => events.up());
        return { publish: async () => {}, subscribe: never, unsubscribe: never, close: never };
      },
    };
    await using app = await serve(http, { routes: { "/": { hooks: {} } }, options: { backplane } });
    await app.spry.ready();
    await app.spry.close({ deadlineMs: 50 });
    await createPublisher({ backplane }).close({ deadlineMs: 50 });
  });

  it.each(["before", "after"])(
    "waits for the others that come back %s it, but not until its deadline",
    async (when) => {
      const backplane = new ManualBackplane();
      const publisher = createPublisher({ backplane, onError() {} });
      const up = () => backplane.events.up({ othersBackWithinMs: 60_000 });
      backplane.events.down(new Error("connection lost"));
      publisher.publish("news", "last words");
      if (when === "before") up();
      const closingAt = performance.now();
      const closed = publisher.close({ deadlineMs: 1_000 });
      if (when === "after") up();
      const call = await backplane.next("publish");
      const waitedMs = performance.now() - closingAt;
      call.resolve();
      await closed;
      expect(waitedMs).toBeGreaterThan(400);
      expect(waitedMs).toBeLessThan(1_000);
    },
  );

  it("waits no longer than its deadline, and reports what is left", async () => {
    const backplane = new ManualBackplane();
    const errors: Error[] = [];
    const publisher = createPublisher({ backplane, onError: (error) => errors.push(error as Error) });
    publisher.publish("news", "last words");
    await publisher.close({ deadlineMs: 1 });
    await backplane.next("close");
    expect(errors.map(({ message }) => message)).toEqual([
      "manual did not take all messages before it was closed",
    ]);
  });
});

describe("a wrong option", () => {
  it.each([
    [{}, /"backplane" must be a backplane/],
    [{ backplane: "redis://localhost" }, /like redis\(\{ client \}\)/],
    [{ backplane: new ManualBackplane(), path: "/" }, /no option "path"/],
  ])("is an error at once: %o", (options, message) => {
    expect(() => createPublisher(options as never)).toThrow(message);
  });

  it("names the policies of the buffer", () => {
    const options = { backplane: new ManualBackplane(), backplaneBuffer: { onLimit: "drop" as never } };
    expect(() => createSpryWs(options)).toThrow(
      '"backplaneBuffer.onLimit" must be "dropNewest" or "dropOldest", not "drop"',
    );
  });
});
