// Messages for one of many: each of 10,000 peers is subscribed to a topic of its own.
import { everyoneBut } from "../contestants.mjs";
import { keepPublishing } from "./keep-publishing.mjs";

const PEERS = 10_000;
const IN_FLIGHT = 32;

/** Of the same length for all. */
const topicOf = (index) => String(10_000 + index);

/** @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const count = trial.possibleConnections(PEERS);
  const peers = await trial.openMany(count, (index) => `/topic/${topicOf(index)}`);
  const publisher = await trial.open("/direct");

  publisher.write(trial.wire.message(topicOf(1)));
  await peers[1].expect(trial.wire.reply(topicOf(1)), "a message at the one it was for");

  // 32 topics far apart, then 32 others.
  const stride = 317;
  const orders = Array.from({ length: 64 }, (_, batch) =>
    Buffer.concat(
      Array.from({ length: IN_FLIGHT }, (_, i) =>
        trial.wire.message(topicOf(((batch * IN_FLIGHT + i) * stride) % count)),
      ),
    ),
  );
  const delivery = trial.wire.reply(topicOf(0)).length;
  let next = 0;
  return keepPublishing(trial, peers, {
    publish: () => publisher.write(orders[next++ % orders.length]),
    batch: delivery * IN_FLIGHT,
    delivery,
  });
}

/** @type {import("./index.mjs").Scene} */
export const direct = {
  name: "direct",
  title: "Publish to 1 of 10,000 peers",
  load: "each is subscribed to a topic of its own, 32 messages in flight",
  contestants: everyoneBut("net"),
  others: "Without raw net, which reads no topics.",
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "deliveries per second" }],
  run,
};
