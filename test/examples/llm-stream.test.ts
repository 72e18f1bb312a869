import { start } from "@spry-ws/example-llm-stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { nextJson, run, until } from "../fixtures/example.ts";

/** Gives what it is told to, and notes how it ended. */
class ScriptedModel {
  given = 0;
  readonly aborted = new Deferred();
  readonly ended = new Deferred();
  readonly #tokens: () => Iterable<string> | AsyncIterable<string>;

  constructor(tokens: (model: ScriptedModel) => Iterable<string> | AsyncIterable<string>) {
    this.#tokens = () => tokens(this);
  }

  async *stream(_prompt: string, signal: AbortSignal): AsyncGenerator<string> {
    signal.addEventListener("abort", () => this.aborted.resolve());
    try {
      for await (const token of this.#tokens()) {
        this.given++;
        yield token;
      }
    } finally {
      this.ended.resolve();
    }
  }
}

/** Words for as long as anybody wants them. */
async function* forever(): AsyncGenerator<string> {
  for (let i = 0; ; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    yield `${i} `;
  }
}

const ask = (client: Client, prompt = "why?") => client.send(JSON.stringify({ type: "ask", prompt }));
const cancel = (client: Client) => client.send('{"type":"cancel"}');

/** The tokens up to the message that is none, and that message. */
async function readAnswer(client: Client): Promise<{ tokens: unknown[]; last: Record<string, unknown> }> {
  const tokens = [];
  for (;;) {
    const message = await nextJson(client);
    if (message["type"] !== "token") return { tokens, last: message };
    tokens.push(message["text"]);
  }
}

describe("examples/llm-stream", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("streams the stand-in's answer", async () => {
    await using app = await run(start({ port: 0 }));
    await using client = await Client.open(app.url("/ask"));
    ask(client, "hello");
    for (const text of ["You ", "said: ", "hello\n"])
      expect(await nextJson(client)).toEqual({ type: "token", text });
    cancel(client);
    expect((await readAnswer(client)).last).toEqual({ type: "cancelled" });
  });

  it("sends the tokens in order, then that it is done, and takes the next question", async () => {
    const words = Array.from({ length: 1_000 }, (_, i) => `${i} `);
    await using app = await run(start({ port: 0, model: new ScriptedModel(() => words) }));
    await using client = await Client.open(app.url("/ask"));
    for (let i = 0; i < 2; i++) {
      ask(client);
      expect(await readAnswer(client)).toEqual({ tokens: words, last: { type: "done" } });
    }
  });

  it("stops the generator when the client cancels", async () => {
    const model = new ScriptedModel(forever);
    await using app = await run(start({ port: 0, model }));
    await using client = await Client.open(app.url("/ask"));
    ask(client);
    await nextJson(client);
    cancel(client);
    await Promise.all([model.aborted.promise, model.ended.promise]);
    const { tokens, last } = await readAnswer(client);
    expect(last).toEqual({ type: "cancelled" });
    expect(tokens.length).toBeLessThanOrEqual(model.given);
    cancel(client); // Nothing is under way: nothing happens.
    ask(client);
    expect((await nextJson(client))["type"]).toBe("token");
  });

  it("stops the generator when the client goes", async () => {
    const model = new ScriptedModel(forever);
    await using app = await run(start({ port: 0, model }));
    await using client = await Client.open(app.url("/ask"));
    ask(client);
    await nextJson(client);
    client.socket.terminate();
    await Promise.all([model.aborted.promise, model.ended.promise]);
  });

  it("asks for no more tokens while the client does not read, and for all the rest when it does", async () => {
    const big = "x".repeat(100_000);
    const model = new ScriptedModel(function* () {
      for (let i = 0; i < 400; i++) yield `${i} ${big}`;
    });
    await using app = await run(start({ port: 0, model }));
    await using client = await Client.open(app.url("/ask"));
    const [peer] = app.spry.peers;
    if (!peer) throw new Error("The peer is not there");
    client.socket.pause();
    ask(client);
    // The operating system may take more for a while yet: so long as it does, it is not stalled.
    let seen = 0;
    do {
      seen = model.given;
      for (let i = 0; i < 20; i++) await (await fetch(app.httpUrl("/"))).text();
    } while (model.given > seen || seen === 0);
    expect(peer.bufferedAmount).toBeGreaterThan(65_536);
    expect(peer.bufferedAmount).toBeLessThan(400_000);
    expect(model.given).toBeLessThan(400);

    client.socket.resume();
    const { tokens, last } = await readAnswer(client);
    expect(last).toEqual({ type: "done" });
    expect(tokens.map((token) => Number.parseInt(String(token), 10))).toEqual([...Array(400).keys()]);
  });

  it("lets the generator of a client go that never reads again", async () => {
    const model = new ScriptedModel(function* () {
      for (;;) yield "x".repeat(100_000);
    });
    await using app = await run(start({ port: 0, model }));
    await using client = await Client.open(app.url("/ask"));
    const [peer] = app.spry.peers;
    client.socket.pause();
    ask(client);
    await until(() => (peer?.bufferedAmount ?? 0) > 65_536);
    client.socket.terminate();
    await model.ended.promise;
  });

  it("tells the client that the model has failed, and the log why", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const failure = new Error("key sk-123 is not valid");
    const model = new ScriptedModel(function* (): Generator<string> {
      yield "so ";
      throw failure;
    });
    await using app = await run(start({ port: 0, model }));
    await using client = await Client.open(app.url("/ask"));
    for (let i = 0; i < 2; i++) {
      ask(client);
      expect(await readAnswer(client)).toEqual({
        tokens: ["so "],
        last: { type: "error", reason: "the model has failed" },
      });
    }
    expect(log.mock.calls).toEqual([[failure], [failure]]);
  });

  it("takes one question at a time", async () => {
    await using app = await run(start({ port: 0, model: new ScriptedModel(forever) }));
    await using client = await Client.open(app.url("/ask"));
    ask(client);
    ask(client);
    expect((await readAnswer(client)).last).toEqual({ type: "error", reason: "one question at a time" });
    expect((await nextJson(client))["type"]).toBe("token");
  });

  it.each(["{", "null", "[]", '{"type":"ask"}', '{"type":"ask","prompt":""}', '{"type":"ask","prompt":5}'])(
    "answers an invalid message with an error: %s",
    async (message) => {
      await using app = await run(start({ port: 0 }));
      await using client = await Client.open(app.url("/ask"));
      client.send(message);
      expect(await nextJson(client)).toEqual({ type: "error", reason: "not a message of this protocol" });
    },
  );

  it("serves its page and nothing else, and ends with a close frame for everyone", async () => {
    await using app = await run(start({ port: 0 }));
    for (const [path, status] of Object.entries({ "/": 200, "/ask.js": 200, "/ask.css": 200, "/other": 404 }))
      expect((await fetch(app.httpUrl(path))).status).toBe(status);
    expect((await fetch(app.httpUrl("/"), { method: "POST" })).status).toBe(405);
    await expect(Client.open(app.url("/other"))).rejects.toThrow("404");
    await using client = await Client.open(app.url("/ask"));
    await app.stop();
    expect((await client.closed).code).toBe(1001);
  });
});
