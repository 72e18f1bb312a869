import { AsyncLocalStorage } from "node:async_hooks";
import { on, once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Hooks, Peer } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import { createWebSocketStream, type WebSocket } from "ws";
import type { Adapter } from "../fixtures/adapter.ts";
import { bare } from "../fixtures/bare.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { Queue } from "../fixtures/queue.ts";
import { closeFrame, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

type BinaryType = WebSocket["binaryType"];
const binaryTypes = ["nodebuffer", "arraybuffer", "fragments", "blob"] as BinaryType[];

/** What `peer.websocket` gives to its listeners. */
export function websocketListenersSuite(adapter: Adapter): void {
  describe("listeners of peer.websocket", () => {
    it.each(
      binaryTypes.flatMap((type) => [[type, "plain", false] as const, [type, "compressed", true] as const]),
    )(
      "get what bare ws gives them, with the binary type %s and %s frames",
      async (type, _form, isDeflated) => {
        const options = { perMessageDeflate: isDeflated && { threshold: 0 } };
        const expected = new Events(type);
        await using ws = await bare((websocket) => expected.listen(websocket), options);
        await talk(ws.url, isDeflated);

        const events = new Events(type);
        const recorder = new Recorder();
        const hooks = recorder.hooks({ open: (peer) => events.listen(peer.websocket) });
        await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
        await talk(app.url("/"), isDeflated);

        expect(await events.whole()).toEqual(await expected.whole());
        // The hook gets the same messages, of whatever type the listener's are.
        await recorder.until("close 4001 bye");
        const texts = ["é", "", "\x01\x02\x03", "", "x".repeat(70_000), "abc", "abcdef", "last"];
        expect(recorder.calls.slice(2, -1)).toEqual(texts.map((text) => `message ${text}`));
      },
    );

    it.each([
      ["invalid UTF-8", frame(Buffer.from([0xc3, 0x28]))],
      ["a reset between two fragments", frame("a", { fin: false })],
      ["a close frame without a code", closeFrame()],
    ])("get the errors and the end that bare ws gives them: %s", async (_name, bytes) => {
      const expected = new Events();
      await using ws = await bare((websocket) => expected.listen(websocket));
      const events = new Events();
      const hooks = { open: (peer: Peer) => events.listen(peer.websocket) };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      for (const port of [ws.port, app.port]) {
        using client = await RawClient.connect(port, handshake());
        await client.response();
        client.socket.end(Buffer.concat([frame("before"), bytes]));
        await client.ended();
      }
      expect(await events.whole()).toEqual(await expected.whole());
    });

    it("may be added in every way there is, and removed again; the hook goes on", async () => {
      const heard: string[] = [];
      const note = (name: string) => (data: unknown, isBinary: unknown) =>
        void heard.push(`${name} ${data} ${isBinary}`);
      const plain = note("on");
      const event = ({ data, target }: { data: unknown; target: unknown }) =>
        void heard.push(`event ${data} ${target === recorder.peers[0]?.websocket}`);
      const handler = { handleEvent: ({ data }: { data: unknown }) => void heard.push(`handler ${data}`) };
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open({ websocket }) {
          websocket.on("message", plain);
          websocket.addListener("message", note("addListener"));
          websocket.prependListener("message", note("prependListener"));
          websocket.once("message", note("once"));
          websocket.prependOnceListener("message", note("prependOnceListener"));
          websocket.addEventListener("message", event);
          websocket.addEventListener("message", event);
          websocket.addEventListener("message", ({ data }) => heard.push(`event once ${data}`), {
            once: true,
          });
          websocket.addEventListener("message", handler as never);
          websocket.onmessage = ({ data }) => void heard.push(`onmessage ${data}`);
        },
        message({ websocket }, message) {
          if (message.text() === "2") {
            websocket.off("message", plain);
            websocket.removeEventListener("message", event);
            websocket.onmessage = null;
          }
          if (message.text() === "3") websocket.removeAllListeners();
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      const client = await Client.open(app.url("/"));
      for (const text of ["1", "2", "3", "4"]) client.send(text);
      client.socket.close(4000);
      await recorder.until("close 4000");
      expect(heard).toEqual([
        "prependOnceListener 1 false",
        "prependListener 1 false",
        "on 1 false",
        "addListener 1 false",
        "once 1 false",
        "event 1 true",
        "event once 1",
        "handler 1",
        "onmessage 1",
        "prependListener 2 false",
        "on 2 false",
        "addListener 2 false",
        "event 2 true",
        "handler 2",
        "onmessage 2",
        "prependListener 3 false",
        "addListener 3 false",
        "handler 3",
      ]);
      expect(recorder.calls.slice(2)).toEqual([1, 2, 3, 4].map((n) => `message ${n}`).concat("close 4000"));
      expect(app.spry.peers.size).toBe(0);
    });

    it("are none but the user's own", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, {
        routes: { "/": { hooks: recorder.hooks() } },
        options: { rateLimit: { messages: 10 } },
      });
      await using _client = await Client.open(app.url("/"));
      await recorder.until("open");
      expect(recorder.peers[0]?.websocket.eventNames()).toEqual([]);
    });

    it("that are added while messages of one chunk are handled get those that follow", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        message({ websocket }, message) {
          if (message.text() === "2") websocket.on("message", (data) => recorder.note(`heard ${data}`));
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(
        Buffer.concat([...["1", "2", "3", "4"].map((text) => frame(text)), closeFrame(1000)]),
      );
      await recorder.until("close 1000");
      expect(recorder.calls.filter((call) => call.startsWith("heard"))).toEqual(["heard 3", "heard 4"]);
    });

    it("that are added late, while open is pending, get the messages that wait, in order and before what follows", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async open({ websocket }) {
          await gate.promise;
          for (const event of ["message", "ping", "close"])
            websocket.on(event, (data) => recorder.note(`heard ${event} ${data}`));
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat([frame("1"), frame("2")]));
      while (app.spry.metrics().messagesReceived < 2) await nextTurn();
      gate.resolve();
      client.socket.write(Buffer.concat([frame("p", { opcode: 9 }), frame("3"), closeFrame(1000)]));
      await recorder.until("close 1000");
      expect(recorder.calls.filter((call) => call.startsWith("heard"))).toEqual([
        "heard message 1",
        "heard message 2",
        "heard ping p",
        "heard message 3",
        "heard close 1000",
      ]);
      expect(recorder.calls.filter((call) => call.startsWith("message"))).toEqual([
        "message 1",
        "message 2",
        "message 3",
      ]);
    });

    it("that are added by a listener of another event get the messages that wait before its next event", async () => {
      const recorder = new Recorder();
      const heard = new Queue<string>();
      const hooks = recorder.hooks({
        async open({ websocket }) {
          websocket.once("ping", () => websocket.on("message", (data) => heard.push(String(data))));
          websocket.on("ping", (data) => heard.push(`ping ${data}`));
          await once(websocket, "close");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      const ping = (text: string) => frame(text, { opcode: 9 });
      client.socket.write(Buffer.concat([frame("1"), frame("2"), ping("a"), ping("b"), frame("3")]));
      expect(await heard.take(5)).toEqual(["ping a", "1", "2", "ping b", "3"]);
    });

    it("that take one message each, in an open hook that waits for it, miss none and hold up nothing", async () => {
      const recorder = new Recorder();
      const hooks: Hooks = {
        async open({ websocket }) {
          for (let i = 0; i < 50; i++) recorder.note(String((await once(websocket, "message"))[0]));
          for await (const [data] of on(websocket, "message", { close: ["close"] }))
            recorder.note(String(data));
        },
        close: () => recorder.note("close"),
      };
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxQueuedMessages: 2 },
      });
      const client = await Client.open(app.url("/"));
      for (let i = 0; i < 100; i++) client.send(String(i));
      client.socket.close();
      await recorder.until("close");
      expect(recorder.calls.slice(0, -1)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
    });

    it("serve a stream for as long as the connection lasts, which an open hook may wait for", async () => {
      const recorder = new Recorder();
      const hooks: Hooks = {
        async open(peer) {
          const stream = createWebSocketStream(peer.websocket, { readableObjectMode: true });
          for await (const chunk of stream) stream.write(chunk);
        },
        close: () => recorder.note("close"),
      };
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxQueuedMessages: 2 },
      });
      await using client = await Client.open(app.url("/"));
      const sizes = [1, 2, 200, 70_000, 900_000, ...Array.from({ length: 100 }, (_, i) => i + 1)];
      for (const size of sizes) client.send(Buffer.alloc(size, size));
      const received = (await client.messages.take(sizes.length)) as Buffer[];
      expect(received.map((data) => data.length)).toEqual(sizes);
      expect(received.every((data, i) => data.equals(Buffer.alloc(data.length, sizes[i])))).toBe(true);
      client.socket.close();
      await recorder.until("close");
    });

    it("are told of a shutdown at once, where an open hook waits for the end of a stream", async () => {
      const recorder = new Recorder();
      const hooks: Hooks = {
        async open(peer) {
          const stream = createWebSocketStream(peer.websocket);
          recorder.note("open");
          for await (const chunk of stream) recorder.note(String(chunk));
          recorder.note("end");
        },
        close: () => recorder.note("close"),
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      const client = await Client.open(app.url("/"));
      await recorder.until("open");
      // Half of it would be for hooks that are under way.
      const closed = app.spry.close({ deadlineMs: 100_000 });
      expect((await client.closed).code).toBe(1001);
      await closed;
      expect(recorder.calls).toEqual(["open", "end", "close"]);
    });

    it("run in the async context of the request", async () => {
      const storage = new AsyncLocalStorage<string>();
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open({ websocket }) {
          for (const event of ["message", "ping", "close"])
            websocket.on(event, () => recorder.note(`${event} in ${storage.getStore()}`));
        },
      });
      const guard = (): undefined => storage.enterWith("request") as undefined;
      await using app = await serve(adapter, { routes: { "/": { hooks, guard } } });
      const client = await Client.open(app.url("/"));
      client.send("x");
      client.socket.ping();
      client.socket.close(4000);
      await recorder.until("close 4000");
      expect(recorder.calls.filter((call) => call.includes(" in "))).toEqual(
        ["message", "ping", "close"].map((event) => `${event} in request`),
      );
    });

    it.each([
      ["throws", (error: Error) => void throwIt(error)],
      ["rejects", (error: Error) => Promise.reject(error)],
    ])(
      "contain what one %s: the error hook gets it, and the peer is closed with 1011",
      async (_how, fail) => {
        const recorder = new Recorder();
        const error = new Error("a listener's");
        const hooks = recorder.hooks({
          open: (peer) => void peer.websocket.on("message", () => fail(error)),
        });
        await using app = await serve(adapter, { routes: { "/": { hooks } } });
        await using client = await Client.open(app.url("/"));
        await using neighbour = await Client.open(app.url("/"));
        client.send("x");
        expect((await client.closed).code).toBe(1011);
        expect(recorder.errors).toEqual([error]);
        neighbour.socket.ping();
        await once(neighbour.socket, "pong");
      },
    );

    it("hear nothing more once the peer is closed, but all until the client's close frame behind websocket.close", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open: ({ websocket }) => void websocket.on("message", (data) => recorder.note(`heard ${data}`)),
        message(peer, message) {
          if (message.text() === "peer") void peer.close(4000);
          if (message.text() === "websocket") peer.websocket.close(4000);
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      for (const closing of ["peer", "websocket"]) {
        using client = await RawClient.connect(app.port, handshake());
        await client.response();
        client.socket.write(frame(closing));
        expect((await client.closeFrame()).code).toBe(4000);
        client.socket.write(Buffer.concat([frame("after"), closeFrame(4000)]));
        await recorder.until("close 4000");
      }
      expect(recorder.calls.filter((call) => /heard|message/.test(call))).toEqual([
        "heard peer",
        "message peer",
        "heard websocket",
        "message websocket",
        "heard after",
        "message after",
      ]);
    });

    it("hear no message that rateLimit refuses", async () => {
      const recorder = new Recorder();
      const hooks = {
        open: ({ websocket }: Peer) => void websocket.on("message", () => recorder.note("heard")),
      };
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { rateLimit: { messages: 3, perMs: 60_000 } },
      });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat(Array.from({ length: 10 }, () => frame("x"))));
      expect((await client.closeFrame()).code).toBe(1008);
      expect(recorder.calls).toEqual(["heard", "heard", "heard"]);
    });
  });
}

function throwIt(error: Error): never {
  throw error;
}

/** Everything a WebSocket tells its listeners, with the types of the data. */
class Events {
  readonly #type: BinaryType;
  readonly #events = new Queue<unknown[]>();

  constructor(type: BinaryType = "nodebuffer") {
    this.#type = type;
  }

  listen(websocket: WebSocket): void {
    websocket.binaryType = this.#type;
    this.#events.push(["binaryType", websocket.binaryType]);
    for (const event of ["message", "ping", "pong", "error", "close"])
      websocket.on(event, (...args: unknown[]) => this.#events.push([event, ...args]));
    websocket.addEventListener("message", ({ data }) => this.#events.push(["event", data]));
  }

  /** All until `close`. */
  async whole(): Promise<string[]> {
    const all: string[] = [];
    for (;;) {
      const [event, ...args] = await this.#events.next();
      all.push([event, ...(await Promise.all(args.map(describeData)))].join(" "));
      if (event === "close") return all;
    }
  }
}

async function describeData(data: unknown): Promise<string> {
  if (Buffer.isBuffer(data)) return `Buffer ${data.toString("base64")}`;
  if (data instanceof ArrayBuffer) return `ArrayBuffer ${Buffer.from(data).toString("base64")}`;
  if (data instanceof Blob) return `Blob ${Buffer.from(await data.arrayBuffer()).toString("base64")}`;
  if (Array.isArray(data)) return `[${(await Promise.all(data.map(describeData))).join()}]`;
  return `${typeof data} ${data}`;
}

/** Sends one of everything. */
async function talk(url: string, isDeflated: boolean): Promise<void> {
  const client = await Client.open(url, { perMessageDeflate: isDeflated && { threshold: 0 } });
  expect(client.socket.extensions).toBe(isDeflated ? "permessage-deflate" : "");
  const { socket } = client;
  for (const data of ["é", "", Buffer.from([1, 2, 3]), Buffer.alloc(0), Buffer.alloc(70_000, "x")])
    socket.send(data);
  socket.send("ab", { fin: false });
  socket.ping("between");
  socket.send("c");
  for (const part of ["ab", "cd"]) socket.send(Buffer.from(part), { fin: false });
  socket.send(Buffer.from("ef"));
  socket.pong("unasked");
  socket.ping();
  socket.send("last");
  socket.close(4001, "bye");
  await client.closed;
}
