import { AsyncLocalStorage } from "node:async_hooks";
import { type ErrorContext, Message, type MessageData } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Queue } from "../fixtures/queue.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";

/** An app whose peers are subscribed to `room`, and publish there what they send. */
function serveRoom(
  adapter: Adapter,
  onError?: (error: unknown, context: ErrorContext) => unknown,
): Promise<RunningApp> {
  return serve(adapter, {
    routes: {
      "/": {
        hooks: {
          open: (peer) => peer.subscribe("room"),
          message: (peer, message) => peer.publish("room", message),
        },
      },
    },
    ...(onError && { options: { onError } }),
  });
}

/** `spry.subscribe(topic, listener)`: a process that listens to a topic itself. */
export function listeningSuite(adapter: Adapter): void {
  describe("a listener of the process", () => {
    it("hears the instance and peers, in order, and before publish returns", async () => {
      await using app = await serveRoom(adapter);
      const heard: string[] = [];
      const all = new Queue<string>();
      app.spry.subscribe("room", (message) => {
        heard.push(message.text());
        all.push(message.text());
      });
      app.spry.publish("room", "first");
      expect(heard).toEqual(["first"]);
      app.spry.publish("rooms", "not for it");
      await using client = await Client.open(app.url("/"));
      for (const text of ["a", "b", "c"]) client.send(text);
      expect(await all.take(4)).toEqual(["first", "a", "b", "c"]);
      expect(app.spry.metrics()).toMatchObject({ topics: 1, listeners: 1 });
    });

    it("ends when its function is called, once or more, and others go on", async () => {
      await using app = await serveRoom(adapter);
      const heard: string[] = [];
      const listener = (message: Message) => void heard.push(message.text());
      const stop = app.spry.subscribe("room", listener);
      const stopSame = app.spry.subscribe("room", listener);
      app.spry.publish("room", "twice");
      stop();
      stop();
      app.spry.publish("room", "once");
      stopSame();
      app.spry.publish("room", "never");
      expect(heard).toEqual(["twice", "twice", "once"]);
      expect(app.spry.metrics().listeners).toBe(0);
    });

    it("may fail, and is reported, without keeping anyone from the message", async () => {
      const errors = new Queue<[unknown, ErrorContext]>();
      await using app = await serveRoom(adapter, (error, context) => errors.push([error, context]));
      await using client = await Client.open(app.url("/"));
      const heard: string[] = [];
      app.spry.subscribe("room", () => {
        throw new Error("thrown");
      });
      app.spry.subscribe("room", async () => {
        throw new Error("rejected");
      });
      app.spry.subscribe("room", (message) => void heard.push(message.text()));
      app.spry.publish("room", "hello");
      expect(heard).toEqual(["hello"]);
      expect(await client.next()).toBe("hello");
      expect(await errors.take(2)).toEqual([
        [expect.objectContaining({ message: "thrown" }), { stage: "listener" }],
        [expect.objectContaining({ message: "rejected" }), { stage: "listener" }],
      ]);
    });

    it("is logged by the framework without onError", async () => {
      await using app = await serveRoom(adapter);
      const { logged } = app;
      const { error } = console;
      if (!adapter.name.startsWith("Fastify")) console.error = (what) => void logged.push(what);
      try {
        app.spry.subscribe("room", () => {
          throw new Error("thrown");
        });
        app.spry.publish("room", "hello");
      } finally {
        console.error = error;
      }
      expect(logged).toEqual([expect.objectContaining({ message: "thrown" })]);
    });

    it("gets what listeners publish after what they were told, as peers do", async () => {
      await using app = await serveRoom(adapter);
      await using client = await Client.open(app.url("/"));
      const heard: string[] = [];
      app.spry.subscribe("room", (message) => {
        if (message.text() === "1") for (const text of ["2", "3"]) app.spry.publish("room", text);
      });
      app.spry.subscribe("room", (message) => void heard.push(message.text()));
      app.spry.publish("room", "1");
      expect(heard).toEqual(["1", "2", "3"]);
      expect(await client.messages.take(3)).toEqual(heard);
    });

    it("is not told any more once it has ended, nor of what was published before it came", async () => {
      await using app = await serveRoom(adapter);
      const heard: string[] = [];
      app.spry.subscribe("room", () => {
        stop();
        app.spry.subscribe("room", (message) => void heard.push(`late: ${message.text()}`));
      });
      const stop = app.spry.subscribe("room", (message) => void heard.push(message.text()));
      app.spry.publish("room", "1");
      expect(heard).toEqual([]);
      app.spry.publish("room", "2");
      expect(heard).toEqual(["late: 2"]);
    });

    it("keeps its own message, whatever becomes of the publisher's bytes and of other listeners' messages", async () => {
      await using app = await serveRoom(adapter);
      const kept: Message[] = [];
      app.spry.subscribe("room", (message) => {
        kept.push(message);
        if (!message.isText) message.bytes().fill(0);
      });
      app.spry.subscribe("room", (message) => void kept.push(message));
      const bytes = Uint8Array.of(1, 2, 3);
      const data: MessageData[] = [bytes, bytes.buffer, Message.bytes(bytes), "text", Message.json([1])];
      for (const one of data) app.spry.publish("room", one);
      bytes.fill(9);
      const zeros = Uint8Array.of(0, 0, 0);
      const own = Uint8Array.of(1, 2, 3);
      expect(kept.map(({ raw }) => raw)).toEqual([
        ...[zeros, own, zeros, own, zeros, own],
        ...["text", "text", "[1]", "[1]"],
      ]);
    });

    it("keeps what a peer has sent, while the peer sends more", async () => {
      await using app = await serveRoom(adapter);
      const kept = new Queue<Message>();
      app.spry.subscribe("room", (message) => kept.push(message));
      await using client = await Client.open(app.url("/"));
      const sent = Array.from({ length: 50 }, (_, i) => Buffer.alloc(i * 100, i));
      for (const bytes of sent) client.send(bytes);
      const all = await kept.take(sent.length);
      expect(all.map((message) => Buffer.from(message.bytes()))).toEqual(sent);
    });

    it("runs in the async context that subscribed it", async () => {
      await using app = await serveRoom(adapter);
      const storage = new AsyncLocalStorage<string>();
      const found: unknown[] = [];
      storage.run("subscriber", () => app.spry.subscribe("room", () => void found.push(storage.getStore())));
      storage.run("publisher", () => app.spry.publish("room", "hello"));
      expect(found).toEqual(["subscriber"]);
    });

    it("hears what close hooks publish, and is the last to end", async () => {
      const heard: string[] = [];
      await using app = await serve(adapter, {
        routes: { "/": { hooks: { close: (peer) => peer.publish("room", "bye") } } },
      });
      app.spry.subscribe("room", (message) => void heard.push(message.text()));
      await using _client = await Client.open(app.url("/"));
      await app.spry.close();
      const stop = app.spry.subscribe("room", (message) => void heard.push(`late: ${message.text()}`));
      app.spry.publish("room", "after close");
      stop();
      expect(heard).toEqual(["bye"]);
      expect(app.spry.metrics().listeners).toBe(0);
    });

    it("must be a function, of a topic that is a string", async () => {
      await using app = await serveRoom(adapter);
      const subscribe = app.spry.subscribe.bind(app.spry) as (...args: unknown[]) => unknown;
      expect(() => subscribe("room")).toThrow(
        "subscribe(topic, listener) takes a function that is called with each message, not undefined; to subscribe a client write peer.subscribe(topic)",
      );
      expect(() => subscribe(42, () => {})).toThrow(
        "subscribe(topic, listener): a topic is a string, not a number",
      );
      expect(app.spry.metrics().listeners).toBe(0);
    });
  });
}
