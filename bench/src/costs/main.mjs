// What a backplane costs: `pnpm bench:costs`. Redis is at REDIS_URL, NATS at NATS_URL, or both on this machine.
// CPU time is that of the instances' own processes, without the broker's.
import { formatTable } from "../report/format.mjs";
import { Instance } from "./instance.mjs";

const COUNT = 50_000;
const brokers = { "no backplane": [], Redis: ["--redis"], NATS: ["--nats"] };

await unwanted();
await topics();
await instances();

/** A publish that nobody wants, anywhere. */
async function unwanted() {
  const rows = [];
  for (const [name, args] of Object.entries(brokers)) {
    const publisher = await Instance.start(args);
    const row = [name];
    for (const perTurn of [1, 32]) {
      await publisher.ask("publish", { count: COUNT / 5, topics: 100, perTurn });
      row.push(
        await cpuOf([publisher], () => publisher.ask("publish", { count: COUNT, topics: 100, perTurn })),
      );
    }
    rows.push(row);
    await publisher.stop();
  }
  print("A publish that nobody wants", ["", "one in a turn of the event loop", "32 in a turn"], rows);
}

/** The number of topics a process is subscribed to. */
async function topics() {
  const rows = [];
  for (const broker of ["Redis", "NATS"]) {
    for (const count of [10, 1_000, 100_000]) {
      const [publisher, subscriber] = [
        await Instance.start(brokers[broker]),
        await Instance.start(brokers[broker]),
      ];
      const heapBefore = await subscriber.ask("heap");
      await subscriber.open(count);
      const readyMs = await subscriber.ask("ready");
      const heapBytes = ((await subscriber.ask("heap")) - heapBefore) / count;
      await deliver(publisher, [subscriber], { count: COUNT / 5, topics: count });
      const cpu = await cpuOf([publisher, subscriber], () =>
        deliver(publisher, [subscriber], { count: COUNT, topics: count }),
      );
      rows.push([
        `${broker}, ${count.toLocaleString("en")} topics`,
        cpu,
        `${readyMs.toFixed(0)} ms`,
        `${heapBytes.toFixed(0)} B`,
      ]);
      await Promise.all([publisher.stop(), subscriber.stop()]);
    }
  }
  print(
    "A message to one subscriber in another process",
    ["", "CPU, both", "until subscribed", "heap for each topic"],
    rows,
  );
}

/** The number of processes, each with one subscriber of the same topics. */
async function instances() {
  const rows = [];
  for (const broker of ["Redis", "NATS"]) {
    for (const count of [1, 2, 4, 8]) {
      const all = await Promise.all(Array.from({ length: count }, () => Instance.start(brokers[broker])));
      const [publisher, ...others] = all;
      for (const instance of all) {
        await instance.open(10);
        await instance.ask("ready");
      }
      await deliver(publisher, others, { count: COUNT / 5, topics: 10 });
      let of;
      const cpu = await cpuOf(all, async () => {
        const before = await publisher.ask("cpu");
        await deliver(publisher, others, { count: COUNT, topics: 10 });
        of = `${(((await publisher.ask("cpu")) - before) / COUNT).toFixed(2)} µs`;
      });
      rows.push([`${broker}, ${count} ${count === 1 ? "process" : "processes"}`, of, cpu]);
      await Promise.all(all.map((instance) => instance.stop()));
    }
  }
  print("A message to one subscriber in each of several processes", ["", "CPU, publisher", "CPU, all"], rows);
}

/** Publishes, and waits until every other process has got everything. */
async function deliver(publisher, receivers, { count, topics }) {
  const before = await Promise.all(receivers.map((receiver) => receiver.ask("received")));
  await publisher.ask("publish", { count, topics, perTurn: 32 });
  for (const [i, receiver] of receivers.entries()) {
    for (let waitedMs = 0; (await receiver.ask("received")) < before[i] + count; waitedMs += 5) {
      if (waitedMs > 30_000) throw new Error("not all messages have come");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** CPU time of these processes for each of `COUNT` messages. */
async function cpuOf(instances, work) {
  const sum = async () =>
    (await Promise.all(instances.map((instance) => instance.ask("cpu")))).reduce((a, b) => a + b);
  const before = await sum();
  await work();
  return `${(((await sum()) - before) / COUNT).toFixed(2)} µs`;
}

function print(title, header, rows) {
  console.log(`\n${title}\n\n${formatTable([header, ...rows])}`);
}
