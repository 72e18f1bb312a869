import { randomBytes } from "node:crypto";
import { type Hooks, Message, type MessageData, type Peer } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function dataSuite(adapter: Adapter): void {
  describe("data", () => {
    it("arrives whole at every peer, compressed or not, whatever was framed before it", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open: (peer) => peer.subscribe("room"),
        message(peer, message) {
          peer.send(message);
          app.spry.publish("room", message);
        },
      });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { perMessageDeflate: true },
      });
      await using plain = await Client.open(app.url("/"));
      await using deflated = await Client.open(app.url("/"), { perMessageDeflate: true });
      await recorder.until("open");
      await recorder.until("open");
      // What hardly can be compressed; together much more than the buffer that frames are written into.
      const sizes = Array.from({ length: 80 }, (_, i) => (i % 10 === 0 ? 40_000 : 2_000 + i));
      for (const size of sizes) {
        const data = randomBytes(size);
        plain.send(Buffer.from(data));
        for (const client of [plain, plain, deflated])
          expect(data.equals(await nextBytes(client))).toBe(true);
      }
    });

    it("hands on messages of every kind of size, one behind the other in the same chunks", async () => {
      await using app = await serve(adapter, {
        routes: { "/": { hooks: { message: (peer, message) => peer.send(message) } } },
      });
      await using client = await Client.open(app.url("/"));
      // Up to and over what decides how long a header is (RFC 6455 section 5.2), how a payload is unmasked, and where its frame lies.
      const edges = [4, 64, 96, 126, 128, 256, 512, 4_096, 16_384, 65_536];
      const sizes = [
        0,
        1,
        2,
        ...edges.flatMap((edge) => [edge - 5, edge - 2, edge - 1, edge, edge + 1, edge + 3]),
      ];
      const messages = sizes
        .filter((size) => size >= 0)
        .flatMap((size) => [randomBytes(size), "x".repeat(size), "é".repeat(size / 2)]);
      for (const message of messages) client.send(message);
      const received = await client.messages.take(messages.length);
      for (const [i, message] of messages.entries())
        expect(
          Buffer.compare(Buffer.from(received[i] as Buffer), Buffer.from(message as Buffer)),
          `message ${i}`,
        ).toBe(0);
    });

    it("gives exactly the message, in every form (D1)", async () => {
      const seen: unknown[] = [];
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async message(_peer, message) {
          seen.push(
            message.isText,
            message.bytes(),
            message.arrayBuffer().byteLength,
            (await message.blob()).size,
            message.raw,
          );
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      client.send(new Uint8Array([1, 2, 3]));
      client.send("é");
      await recorder.until("message é");
      const bytes = new Uint8Array([1, 2, 3]);
      const text = new TextEncoder().encode("é");
      expect(seen).toEqual([false, bytes, 3, 3, bytes, true, text, 2, 2, "é"]);
    });

    it.each([
      ["4 KiB", 4_096],
      ["16 KiB", 16_384],
      ["more than 16 KiB", 16_385],
      ["64 KiB", 70_000],
      ["many chunks", 900_001],
    ])("hands on a received message of %s, to several and more than once", async (_name, size) => {
      const recorder = new Recorder();
      const seen: Uint8Array[] = [];
      await using app = await serve(adapter, {
        routes: {
          "/": {
            hooks: {
              open(peer) {
                peer.subscribe("all");
                recorder.note("open");
              },
              message(peer, message) {
                const before = new Uint8Array(message.arrayBuffer());
                peer.send(message);
                peer.send(message);
                peer.publish("all", message);
                peer.send(message.isText ? message.text() : message.bytes());
                seen.push(before, message.bytes());
              },
            },
          },
        },
      });
      await using sender = await Client.open(app.url("/"));
      await using other = await Client.open(app.url("/"));
      await recorder.until("open");
      await recorder.until("open");
      const bytes = Buffer.alloc(size, "bytes \xff");
      const text = "é".repeat(size / 2);
      // Small ones around them come in the same chunks.
      for (const data of ["<", bytes, "-", text, ">"]) sender.send(data);
      const whole = (received: readonly (string | Buffer)[], copies: number) =>
        ["<", bytes, "-", text, ">"].every((data, i) =>
          received
            .slice(i * copies, (i + 1) * copies)
            .every((copy) => (typeof data === "string" ? copy === data : data.equals(copy as Buffer))),
        );
      expect(whole(await sender.messages.take(15), 3)).toBe(true);
      expect(whole(await other.messages.take(5), 1)).toBe(true);
      for (let i = 0; i < seen.length; i += 2)
        expect(Buffer.compare(seen[i] as Uint8Array, seen[i + 1] as Uint8Array)).toBe(0);
    });

    describe.each([
      ["as it is", {}],
      ["compressed", { perMessageDeflate: true }],
    ])("bytes are the message's own, %s:", (_how, clientOptions) => {
      const open = async (onMessage: (peer: Peer, message: Message) => unknown) => {
        const app = await serve(adapter, {
          routes: { "/": { hooks: { open: (peer) => peer.subscribe("all"), message: onMessage } } },
          options: { perMessageDeflate: { threshold: 0 } },
        });
        const clients = [await Client.open(app.url("/"), clientOptions), await Client.open(app.url("/"))];
        return { app, clients: clients as [Client, Client] };
      };
      // On both sides of where a message begins to be sent from where it came in, and in several chunks.
      const sizes = [0, 100, 4_095, 4_096, 100_000];
      const messages = sizes.flatMap((size) => [randomBytes(size), randomBytes(size)]);

      /** Sends all in as few chunks as possible, and checks what comes back to both clients. */
      const exchange = async (clients: readonly [Client, Client], expected: readonly Buffer[]) => {
        for (const message of messages) clients[0].send(Buffer.from(message));
        for (const client of clients) {
          const received = await client.messages.take(expected.length);
          for (const [i, bytes] of expected.entries())
            expect(bytes.equals(received[i] as Buffer), `message ${i}`).toBe(true);
        }
      };

      it("they may be transferred once they are sent", async () => {
        const { app, clients } = await open((peer, message) => {
          peer.send(message);
          peer.publish("all", message);
          const bytes = message.bytes();
          structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
        });
        await using _app = app;
        await exchange(clients, messages);
        for (const client of clients) await client[Symbol.asyncDispose]();
      });

      it("changes before they are sent are sent, later ones are not", async () => {
        const { app, clients } = await open((peer, message) => {
          const bytes = message.bytes();
          bytes.set([1, 2, 3].slice(0, bytes.length));
          peer.send(message);
          peer.publish("all", message);
          bytes.fill(0);
          message.bytes().fill(0);
        });
        await using _app = app;
        await exchange(
          clients,
          messages.map((message) => {
            const changed = Buffer.from(message);
            changed.set([1, 2, 3].slice(0, changed.length));
            return changed;
          }),
        );
        for (const client of clients) await client[Symbol.asyncDispose]();
      });

      it("so are those of a message that is made, and of an array", async () => {
        const { app, clients } = await open((peer, message) => {
          const made = Message.bytes(new Uint8Array(message.arrayBuffer()));
          const array = new Uint8Array(message.arrayBuffer());
          for (const send of [
            (data: MessageData) => peer.send(data),
            (data: MessageData) => peer.publish("all", data),
          ]) {
            send(made);
            send(array);
          }
          made.bytes().fill(0);
          array.fill(0);
        });
        await using _app = app;
        await exchange(
          clients,
          messages.flatMap((message) => [message, message]),
        );
        for (const client of clients) await client[Symbol.asyncDispose]();
      });
    });

    it("refuses a message whose bytes have been transferred, and says what to do instead", async () => {
      const errors: unknown[] = [];
      const hooks: Hooks = {
        message(peer, message) {
          const bytes = message.bytes();
          structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
          for (const use of [() => peer.send(message), () => message.text()])
            expect(use).toThrow(/have been transferred.*message\.arrayBuffer\(\)/);
          peer.send("fine");
        },
        error: (_peer, error) => void errors.push(error),
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      for (const size of [10, 10_000]) {
        client.send(Buffer.alloc(size));
        expect(await client.next()).toBe("fine");
      }
      expect(errors).toEqual([]);
    });

    it("ends the one peer whose socket cannot be written to, and reports it; the others get everything", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ open: (peer) => peer.subscribe("all") });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      const clients: Client[] = [];
      for (let i = 0; i < 3; i++) {
        clients.push(await Client.open(app.url("/")));
        await recorder.until("open");
      }
      const socket = Reflect.get(recorder.peers[1]?.websocket ?? {}, "_socket");
      socket.write = () => {
        throw new Error("write failed");
      };
      app.spry.publish("all", "one");
      await recorder.until("close 1006");
      app.spry.publish("all", "two");
      for (const client of [clients[0], clients[2]])
        expect(await client?.messages.take(2)).toEqual(["one", "two"]);
      expect(recorder.errors).toMatchObject([{ message: "write failed" }]);
      expect(app.spry.metrics()).toMatchObject({ peers: 2, terminated: { writeError: 1 } });
      for (const client of clients) await client[Symbol.asyncDispose]();
    });

    it.each<[string, unknown]>([
      ["an array", ["a"]],
      ["a Date", new Date(0)],
      ["an object", {}],
      ["undefined", undefined],
      ["null", null],
      ["a number", 1],
    ])("refuses to send %s, and names Message.json (D2)", async (name, value) => {
      const thrown: unknown[] = [];
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open(peer: Peer) {
          thrown.push(
            errorOf(() => peer.send(value as string)),
            errorOf(() => peer.publish("topic", value as string)),
          );
          peer.send("fine");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect(await client.next()).toBe("fine");
      expect(recorder.errors).toEqual([]);
      const json = value === undefined ? "Message.json(null)" : "Message.json(value)";
      for (const error of thrown) {
        expect(error).toBeInstanceOf(TypeError);
        expect(String(error)).toContain(json);
        expect(String(error)).toContain(name);
      }
    });

    it("sends text as text and bytes as bytes, whatever holds them", async () => {
      const bytes = new Uint8Array([0, 1, 2, 3]);
      const hooks = {
        open(peer: Peer) {
          peer.send("text");
          peer.send(Message.json({ a: 1 }));
          peer.send("");
          peer.send(bytes.subarray(1, 3));
          peer.send(bytes.buffer);
          peer.send(new DataView(bytes.buffer, 2));
          peer.send(new Uint16Array([1]));
          peer.send(Message.bytes(new Uint8Array()));
        },
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect(await client.messages.take(8)).toEqual([
        "text",
        '{"a":1}',
        "",
        Buffer.from([1, 2]),
        Buffer.from([0, 1, 2, 3]),
        Buffer.from([2, 3]),
        Buffer.from([1, 0]),
        Buffer.alloc(0),
      ]);
    });
  });

  describe("violations of RFC 6455 end that connection alone, with error and close once (D6)", () => {
    const big = Buffer.alloc(1_048_577);
    it.each<[string, Buffer, number]>([
      ["invalid UTF-8", frame(Buffer.from([0xc3, 0x28])), 1007],
      ["a reserved bit", frame("x", { rsv: 4 }), 1002],
      ["a reserved opcode", frame("x", { opcode: 3 }), 1002],
      ["a frame over maxPayload", frame(big, { opcode: 2 }), 1009],
      ["fragments over maxPayload", fragments(600_000), 1009],
      ["a ping of 126 bytes", frame("x".repeat(126), { opcode: 9 }), 1002],
      ["a fragmented ping", frame("x", { opcode: 9, fin: false }), 1002],
      ["a continuation of nothing", frame("x", { opcode: 0 }), 1002],
      ["a close frame of one byte", frame("x", { opcode: 8 }), 1002],
      ["an unmasked frame (A2)", frame("x", { masked: false }), 1002],
    ])("%s", async (_name, bytes, code) => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      await using neighbour = await Client.open(app.url("/"));
      await recorder.until("open");
      recorder.calls.length = 0;
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(bytes);
      expect((await client.closeFrame()).code).toBe(code);
      client.socket.end();
      await recorder.until("close 1006");
      expect(recorder.calls).toEqual(["upgrade", "open", "error", "close 1006"]);
      expect(app.logged).toEqual([]);
      neighbour.send("still here");
      await recorder.until("message still here");
    });
  });
}

function errorOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

async function nextBytes(client: Client): Promise<Buffer> {
  const message = await Promise.race([client.next(), client.closed]);
  if (!Buffer.isBuffer(message)) throw new Error(`Expected bytes, not ${JSON.stringify(message)}`);
  return message;
}

function fragments(size: number): Buffer {
  const data = Buffer.alloc(size);
  return Buffer.concat([frame(data, { opcode: 2, fin: false }), frame(data, { opcode: 0 })]);
}
