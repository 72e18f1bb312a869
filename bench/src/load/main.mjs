// The process that loads a server: one scene, one contestant, then its result. Started by trial.mjs, which gives the order.
import { scenes } from "../scenes/index.mjs";
import { Trial } from "./trial.mjs";

process.once("message", async (order) => {
  const scene = scenes.find(({ name }) => name === order.scene);
  const trial = new Trial(order);
  try {
    const work = order.isPreparation ? scene.prepare.run(trial) : scene.run(trial);
    const result = await Promise.race([work, trial.lost]);
    process.send({ result: { ...result, notes: trial.notes }, laps: trial.laps });
  } catch (error) {
    process.send({ error: error.message });
  }
});
process.on("disconnect", () => process.exit());
