// A load that publishes: what arrives is counted, at all subscribers together.

/**
 * The next batch goes out when half of the last one has arrived, so that the server never waits for the load and never finds two
 * batches at once.
 *
 * @param {import("../load/trial.mjs").Trial} trial
 * @param {import("../load/client.mjs").Client[]} subscribers
 * @param {object} load
 * @param {() => void} load.publish sends the next batch
 * @param {number} load.batch what arrives of a batch at all subscribers together: bytes, or what `newCounter` makes of them
 * @param {number} load.delivery what arrives of one message at one subscriber
 * @param {() => (count: number, bytes: Buffer) => number} [load.newCounter] for each subscriber
 */
export async function keepPublishing(
  trial,
  subscribers,
  { publish, batch, delivery, newCounter = () => (count) => count },
) {
  let received = 0;
  let missing = batch;
  let isRunning = true;
  for (const peer of subscribers) {
    const count = newCounter();
    peer.count((length, bytes) => {
      const arrived = count(length, bytes);
      received += arrived;
      missing -= arrived;
      if (missing > batch / 2 || !isRunning) return;
      missing += batch;
      publish();
    });
  }
  publish();
  const result = await trial.measure(() => received / delivery);

  isRunning = false;
  await trial.until(() => missing <= 0, "not all messages were delivered");
  if (missing < 0) throw new Error("more was delivered than was published");
  return result;
}
