import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createSpryWs,
  type HistogramMetric,
  type Hooks,
  memoryBackplane,
  type SpryWsOptions,
} from "@spry-ws/core";
import { Instance } from "@spry-ws/core/adapter";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { listen } from "../fixtures/listen.ts";

async function serve(hooks: Hooks, options: SpryWsOptions = { histograms: true }) {
  const spry = createSpryWs(options);
  const server = createServer(spry.handler(hooks));
  spry.attach(server);
  const { url } = await listen(server);
  return {
    spry,
    url: url("/"),
    /** How often something has been measured; undefined for never. */
    find(name: HistogramMetric["name"], labels: Record<string, string> = {}): HistogramMetric | undefined {
      return spry
        .metrics()
        .histograms.find(
          (one) =>
            one.name === name &&
            Object.entries(labels).every(([label, value]) => one.labels[label] === value),
        );
    },
    async [Symbol.asyncDispose]() {
      await spry.close({ deadlineMs: 1_000 });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** How many took longer than the first bound, and at most as long as the second. */
function between({ bounds, counts }: HistogramMetric, above: number, upTo: number): number {
  const count = (bound: number) => counts[bounds.indexOf(bound)] ?? Number.NaN;
  return count(upTo) - count(above);
}

describe("histograms", () => {
  it("have a slow hook in its bucket, and each call once: those that throw or reject too", async () => {
    const delays: Record<string, () => unknown> = {
      quick: () => undefined,
      slow: () => sleep(150),
      rejects: () => Promise.reject(new Error("rejected")),
    };
    const calls: string[] = [];
    const hooks: Hooks = {
      message(peer, message) {
        // As a method of its own object.
        expect(this).toBe(hooks);
        const result = delays[message.text()]?.();
        return Promise.resolve(result).then(() => void peer.send("done"));
      },
      error: (_peer, error) => void calls.push((error as Error).message),
      close: () => void calls.push("close"),
    };
    await using app = await serve(hooks);
    await using client = await Client.open(app.url);
    for (const what of ["quick", "slow"]) {
      client.send(what);
      await client.next();
    }
    const slow = app.find("hook_seconds", { hook: "message" }) as HistogramMetric;
    expect(slow.counts.at(-1)).toBe(2);
    expect(between(slow, 0.1, 0.5)).toBe(1);
    expect(slow.sum).toBeGreaterThan(0.14);
    expect(slow.sum).toBeLessThan(1);
    client.send("rejects");
    await expect.poll(() => calls).toEqual(["rejected", "close"]);
    expect(app.find("hook_seconds", { hook: "message" })?.counts.at(-1)).toBe(3);
    expect(app.find("hook_seconds", { hook: "error" })?.counts.at(-1)).toBe(1);
    expect(app.find("hook_seconds", { hook: "close" })?.counts.at(-1)).toBe(1);
    expect(app.find("hook_seconds", { hook: "drain" })).toBeUndefined();
  });

  it("have handshakes from the request to their answer, whichever it is", async () => {
    let isOpen = true;
    await using app = await serve({
      async upgrade() {
        await sleep(60);
        return isOpen ? undefined : new Response("", { status: 403 });
      },
    });
    await using _client = await Client.open(app.url);
    isOpen = false;
    await expect(Client.open(app.url)).rejects.toThrow("403");
    for (const outcome of ["accepted", "refused"]) {
      const histogram = app.find("handshake_seconds", { outcome }) as HistogramMetric;
      expect(histogram.counts.at(-1)).toBe(1);
      expect(between(histogram, 0.05, 1)).toBe(1);
    }
    expect(app.find("hook_seconds", { hook: "upgrade" })?.counts.at(-1)).toBe(2);
  });

  it.each([1, 40])("have each publish once, to %i subscribers", async (count) => {
    await using app = await serve({ open: (peer) => peer.subscribe("news") });
    const clients = await Promise.all(Array.from({ length: count }, () => Client.open(app.url)));
    app.spry.publish("news", "one");
    app.spry.publish("news", "two");
    app.spry.publish("nobody listens", "three");
    for (const client of clients) for (const text of ["one", "two"]) expect(await client.next()).toBe(text);
    expect(app.find("delivery_seconds")?.counts.at(-1)).toBe(2);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it("have what another process has published", async () => {
    const backplane = memoryBackplane();
    await using app = await serve({ open: (peer) => peer.subscribe("news") }, { histograms: {}, backplane });
    const other = createSpryWs({ backplane, histograms: true });
    await using client = await Client.open(app.url);
    await app.spry.ready();
    await other.ready();
    other.publish("news", "one");
    await client.next();
    expect(app.find("delivery_seconds")?.counts.at(-1)).toBe(1);
    expect(other.metrics().histograms).toEqual([]);
    await other.close();
  });

  it("are of so many routes, and all others are one", async () => {
    const spry = new Instance({ histograms: { maxRoutes: 2 } }, "test", console.error);
    const handshakes = ["/a", "/b", "/c", undefined, "/d", "/a"].map((pattern) => {
      const handshake = {};
      spry.histograms?.reached(handshake, pattern);
      return handshake;
    });
    for (const handshake of handshakes) spry.histograms?.handshake(handshake, "accepted", 1);
    const counted = spry.metrics().histograms.map(({ labels, counts }) => [labels["route"], counts.at(-1)]);
    expect(Object.fromEntries(counted)).toEqual({ "/a": 2, "/b": 1, other: 3 });
    await spry.close();
  });

  it("are nothing where the option is off: no object, and the user's own hooks", async () => {
    let callers: string | undefined;
    const hooks: Hooks = {
      message(peer) {
        callers = new Error("who called").stack;
        peer.send("x");
      },
    };
    await using measured = await serve(hooks);
    await using other = await Client.open(measured.url);
    other.send("x");
    await other.next();
    expect(callers).toContain("timed-hooks");
    await using app = await serve(hooks, {});
    await using client = await Client.open(app.url);
    client.send("x");
    await client.next();
    app.spry.publish("news", "one");
    expect(app.spry.metrics().histograms).toEqual([]);
    expect(app.spry.metricsText()).not.toContain("histogram");
    expect(Reflect.get(app.spry, "histograms")).toBeUndefined();
    expect(callers).not.toContain("timed-hooks");
  });

  it("refuse options that are none", () => {
    expect(() => createSpryWs({ histograms: { maxRoutes: -1 } })).toThrow("histograms.maxRoutes");
    expect(() => createSpryWs({ histograms: "yes" as never })).toThrow('"histograms" must be');
  });
});

describe("the text of histograms", () => {
  it("has cumulative buckets in seconds, their sum and count, and escapes what a route may have in it", async () => {
    const spry = new Instance({ histograms: true }, "test", console.error);
    const handshake = {};
    spry.histograms?.reached(handshake, '/^\\/a"b\n/');
    spry.histograms?.handshake(handshake, "accepted", 3);
    spry.histograms?.handshake(handshake, "accepted", 5);
    spry.histograms?.handshake(handshake, "accepted", 60_000);
    const text = spry.metricsText();
    const lines = text.split("\n").filter((line) => line.includes("spry_ws_handshake_seconds"));
    const labels = String.raw`route="/^\\/a\"b\n/",outcome="accepted"`;
    expect(lines.slice(0, 2)).toEqual([
      "# TYPE spry_ws_handshake_seconds histogram",
      "# HELP spry_ws_handshake_seconds How long handshakes took until they were answered.",
    ]);
    expect(lines).toHaveLength(2 + 15 + 2);
    expect(lines).toContain(`spry_ws_handshake_seconds_bucket{${labels},le="0.0025"} 0`);
    // A bound is within its bucket.
    expect(lines).toContain(`spry_ws_handshake_seconds_bucket{${labels},le="0.005"} 2`);
    expect(lines).toContain(`spry_ws_handshake_seconds_bucket{${labels},le="10"} 2`);
    expect(lines.slice(-3)).toEqual([
      `spry_ws_handshake_seconds_bucket{${labels},le="+Inf"} 3`,
      `spry_ws_handshake_seconds_sum{${labels}} 60.008`,
      `spry_ws_handshake_seconds_count{${labels}} 3`,
    ]);
    expect(text.endsWith("\n# EOF\n")).toBe(true);
    await spry.close();
  });
});
