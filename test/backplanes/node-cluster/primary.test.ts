import cluster, { type Worker } from "node:cluster";
import { nodeCluster } from "@spry-ws/core";
import { describe, expect, it } from "vitest";

/** What is sent to a worker, whose channel the test empties. */
interface Sent {
  readonly link: number;
  readonly "spry-ws": { readonly kind: string; readonly since?: bigint };
}

/** A worker as the primary process sees it: what it is sent is on its way until the test says that it was written. */
class FakeWorker {
  readonly sent: Sent[] = [];
  readonly #written: (() => void)[] = [];

  isConnected(): boolean {
    return true;
  }

  send(message: Sent, _handle: unknown, onWritten: () => void): void {
    this.sent.push(message);
    this.#written.push(onWritten);
  }

  written(count: number): void {
    for (const onWritten of this.#written.splice(0, count)) onWritten();
  }

  says(link: number, message: object): void {
    cluster.emit("message", this as unknown as Worker, { link, "spry-ws": message });
  }

  gaps(): number[] {
    return this.sent.filter((sent) => sent["spry-ws"].kind === "gap").map(({ link }) => link);
  }
}

describe("the primary process of node:cluster", () => {
  it("tells a worker that it missed something, though something is always on its way to it", async () => {
    const publisher = nodeCluster().open({ message() {}, up() {}, down() {}, refused() {}, error() {} });
    const publish = (topic: string, size: number) =>
      publisher.publish([{ topic, data: new Uint8Array(size) }]);
    const worker = new FakeWorker();
    worker.says(1, { kind: "subscribe", topics: ["large"], call: 1 });
    worker.says(2, { kind: "subscribe", topics: ["small"], call: 2 });
    worker.written(2);
    await publish("large", 10_000_000);
    await publish("large", 10_000_000);
    await publish("small", 1);
    expect(worker.gaps()).toEqual([]);
    worker.written(1);
    expect(worker.gaps()).toEqual([1]);
    await publish("large", 1);
    expect(worker.sent.at(-1)).toMatchObject({ link: 1, "spry-ws": { kind: "deliver" } });
    await publisher.close();
    cluster.emit("disconnect", worker as unknown as Worker);
  });
});
