/**
 * Publishes `count` times, with `inFlight` under way.
 *
 * @param {object} order
 * @param {number} order.count
 * @param {number} order.inFlight
 * @param {() => unknown} order.publish
 * @param {(sent: number) => Promise<void>} [order.until] settles when no more than `inFlight` of what was sent are under way, where what
 *   `publish` gives does not tell when one is stored
 * @returns {Promise<{ ms: number, cpuMs: number }>} until all are stored
 */
export async function publishAll({ count, inFlight, publish, until }) {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  if (until) {
    for (let sent = 0; sent < count; ) {
      for (const end = Math.min(count, sent + inFlight); sent < end; sent++) publish();
      await until(sent);
    }
  } else {
    let sent = 0;
    const work = async () => {
      while (sent++ < count) await publish();
    };
    await Promise.all(Array.from({ length: inFlight }, work));
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
}
