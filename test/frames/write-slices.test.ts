import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { openPeers } from "../fixtures/many-peers.ts";

const peerCount = 40;
const writeMs = 0.3;

/** Peers whose writes take long: a slice of a millisecond has time for a few of them. */
async function slowWrites(writeSliceMs: number) {
  const app = await openPeers(peerCount, { writeSliceMs }, writeMs);
  for (const [i, peer] of app.peers.entries()) {
    peer.subscribe("all");
    if (i % 2 === 1) peer.subscribe("even");
  }
  return app;
}

it("a publish to many goes out in slices, and an answer to one peer does not wait for the last of them", async () => {
  await using app = await slowWrites(1);
  const { spry, peers, clients, countWrites } = app;
  const last = peerCount - 1;
  countWrites();
  spry.publish("all", "to all");
  await nextTurn();
  const first = countWrites();
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(peerCount / 2);
  peers[last]?.send("to the last");
  expect(peers[last]?.bufferedAmount).toBeGreaterThan(0);
  await null; // The end of the tick.
  await new Promise(process.nextTick);
  expect(peers[last]?.bufferedAmount).toBe(0);
  expect(countWrites()).toBe(1);
  expect(await clients[last]?.next()).toBe("to all");
  expect(await clients[last]?.next()).toBe("to the last");
  for (const client of clients.slice(0, last)) expect(await client.next()).toBe("to all");
});

it("writeSliceMs: 0 writes all at the end of the tick", async () => {
  await using app = await slowWrites(0);
  app.countWrites();
  app.spry.publish("all", "to all");
  await new Promise(process.nextTick);
  expect(app.countWrites()).toBe(peerCount);
});

it("each peer gets what is sent and published in the order of the calls, however it is sliced", async () => {
  await using app = await slowWrites(1);
  const { spry, peers, clients } = app;
  const text = fc.string({ minLength: 1, maxLength: 300 });
  const step = fc.oneof(
    fc.record({ topic: fc.constantFrom("all", "even"), text }),
    fc.record({ peer: fc.nat(peerCount - 1), text }),
    fc.constant("turn" as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const expected: string[][] = clients.map(() => []);
      for (const one of steps) {
        if (one === "turn") await nextTurn();
        else if ("peer" in one) {
          peers[one.peer]?.send(one.text);
          expected[one.peer]?.push(one.text);
        } else {
          spry.publish(one.topic, one.text);
          for (const [i, list] of expected.entries())
            if (one.topic === "all" || i % 2 === 1) list.push(one.text);
        }
      }
      for (const [i, client] of clients.entries()) {
        const received: unknown[] = [];
        while (received.length < (expected[i]?.length ?? 0)) received.push(await client.next());
        expect(received).toEqual(expected[i]);
      }
    }),
    { numRuns: 25 },
  );
}, 60_000);
