import { type Backplane, createPublisher } from "@spry-ws/core";
import { describe, expect, it, vi } from "vitest";
import { http } from "../adapters/http.ts";
import { Client } from "../fixtures/client.ts";
import { serve } from "../fixtures/serve.ts";

const fail = (what: string) => () => {
  throw new Error(`${what} threw`);
};

/** Throws where it should reject. */
const faulty: Backplane = {
  name: "faulty",
  open(events) {
    setImmediate(() => events.up());
    return {
      publish: fail("publish"),
      subscribe: fail("subscribe"),
      unsubscribe: fail("unsubscribe"),
      close: fail("close"),
    };
  },
};

describe("a backplane that throws where it should reject", () => {
  it("is reported, and nothing more", async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push((error as Error).cause ?? error);
    const publisher = createPublisher({ backplane: faulty, onError });
    publisher.publish("news", "x");
    await publisher.close();
    expect(errors.map(String)).toEqual(["Error: publish threw", "Error: close threw"]);
  });

  it("is printed where nothing takes it, and where onError throws or rejects, behind what that says", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    try {
      for (const options of [{}, { onError: fail("onError") }, { onError: async () => fail("onError")() }]) {
        const publisher = createPublisher({ backplane: faulty, ...options });
        publisher.publish("news", "x");
        await publisher.close();
      }
      const texts = printed.mock.calls.map(([error]) => String((error as Error).cause ?? error));
      const both = ["publish", "close"].flatMap((what) => ["Error: onError threw", `Error: ${what} threw`]);
      expect(texts).toEqual(["Error: publish threw", "Error: close threw", ...both, ...both]);
    } finally {
      printed.mockRestore();
    }
  });

  it("does not keep local subscribers from anything", async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push((error as Error).cause ?? error);
    await using app = await serve(http, {
      routes: { "/": { hooks: { open: (peer) => peer.subscribe("news") } } },
      options: { backplane: faulty, onError },
    });
    const client = await Client.open(app.url("/"));
    app.spry.publish("news", "x");
    expect(await client.next()).toBe("x");
    await expect.poll(() => errors.map(String)).toContain("Error: subscribe threw");
    client.socket.terminate();
  });
});
