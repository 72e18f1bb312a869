// One of the three processes: `node worker.js express 3011 3011,3012,3013 redis://127.0.0.1:6379`.
import process from "node:process";
import { openBroker } from "./broker.ts";
import type { Framework } from "./contract.ts";
import { listenToLauncher, tellReady } from "./launcher.ts";
import { starters } from "./servers.ts";

const [framework, port, ports, url] = process.argv.slice(2) as [Framework, string, string, string];
listenToLauncher();

try {
  const broker = await openBroker(url);
  const { spry, stop } = await starters[framework]({
    port: Number(port),
    ports: ports.split(",").map(Number),
    broker,
  });
  // A wrong password or host is an error here, and not a silent room of one's own.
  await spry.ready();
  tellReady();

  const end = async () => {
    await stop();
    await broker.close();
    process.exit();
  };
  process.once("SIGTERM", end).once("disconnect", end);
  // Ctrl-C reaches all processes of a terminal; the launcher tells this one when to end.
  process.on("SIGINT", () => {});
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
