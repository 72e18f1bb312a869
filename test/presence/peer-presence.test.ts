import { createSpryWs, memoryBackplane } from "@spry-ws/core";
import { presence } from "@spry-ws/service";
import { expect, it, vi } from "vitest";
import { http } from "../adapters/http.ts";
import { Client } from "../fixtures/client.ts";
import { serve } from "../fixtures/serve.ts";

const backplane = memoryBackplane();

it("refuses what it cannot use, and says what to write", () => {
  const spry = createSpryWs();
  const make = (options: unknown) => () => presence(options as never);
  expect(make(undefined)).toThrow('"spry" must be what spryWs() gives');
  expect(make({ spry: { publish() {} }, topic: "x" })).toThrow('with the methods "publish" and "subscribe"');
  expect(make({ spry, topic: 42 })).toThrow('"topic" must be a string, not a number');
  expect(make({ spry, topic: "x", grace: 1 })).toThrow(
    'there is no option "grace"; there are spry, topic, graceMs, maxDataBytes',
  );
  expect(make({ spry, topic: "x", graceMs: -1 })).toThrow(
    '"graceMs" must be a whole number from 0 to 3600000, not -1',
  );
  expect(make({ spry, topic: "x", maxDataBytes: 0 })).toThrow(
    '"maxDataBytes" must be a whole number from 1 to 65536',
  );
  expect(make({ spry, topic: "x", graceMs: undefined })).not.toThrow();
  const room = presence({ spry, topic: "x" });
  const join = (peer: unknown, key: string) => () => room.join(peer as never, key, 1);
  expect(join(undefined, "ada")).toThrow(
    "join(peer, key, data) takes the peer of a hook first, not undefined",
  );
  expect(join("ada", "peer")).toThrow("join(peer, key, data) takes the peer of a hook first, not a string");
});

it("lets the members of an instance that closes come back elsewhere within the grace", async () => {
  await using one = await serve(http, {
    routes: { "/": { hooks: { open: (peer) => here.join(peer, "ada", 1) } } },
    options: { backplane },
  });
  await using other = await serve(http, { routes: {}, options: { backplane } });
  const here = presence<number>({ spry: one.spry, topic: "room", graceMs: 2_000 });
  const there = presence<number>({ spry: other.spry, topic: "room" });
  const changes = vi.fn();
  there.listen(changes);
  await there.ready();
  await using client = await Client.open(one.url("/"));
  await vi.waitFor(() => expect([...there.members]).toEqual([["ada", 1]]));
  const closedAt = performance.now();
  await one.spry.close();
  await client.closed;
  const late = presence<number>({ spry: other.spry, topic: "room" });
  await late.ready();
  expect([...late.members]).toEqual([["ada", 1]]);
  await vi.waitFor(() => expect(there.count).toBe(0), 5_000);
  expect(performance.now() - closedAt).toBeGreaterThan(1_900);
  expect(changes).toHaveBeenCalledTimes(2);
});

it("leaves at once on leave(peer), and reports what a listener throws to onError, as one", async () => {
  const reported = vi.fn();
  await using app = await serve(http, {
    routes: {
      "/": { hooks: { open: (peer) => room.join(peer, "ada", null), close: (peer) => room.leave(peer) } },
    },
    options: { onError: (error, { stage }) => reported(error, stage) },
  });
  const room = presence({ spry: app.spry, topic: "room" });
  const wrong = new Error("wrong");
  room.listen(({ joined }) => {
    if (joined.length > 0) throw wrong;
  });
  const client = await Client.open(app.url("/"));
  await vi.waitFor(() => expect(room.count).toBe(1));
  expect(reported.mock.calls).toEqual([[wrong, "listener"]]);
  await client[Symbol.asyncDispose]();
  await vi.waitFor(() => expect(room.count).toBe(0), 1_000);
});
