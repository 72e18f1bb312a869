import type { Framework, Place } from "./contract.ts";
import { startExpress } from "./express.ts";
import { startFastify } from "./fastify.ts";
import { startKoa } from "./koa.ts";
import { openRoom, type Room } from "./room.ts";
import { displayNames, listenFailed, readHost, readPlaces, SettingsError } from "./settings.ts";
import type { Stop } from "./stop.ts";

const starters: Record<Framework, (room: Room, port: number, host: string) => Promise<Stop>> = {
  express: startExpress,
  fastify: startFastify,
  koa: startKoa,
};

try {
  await main();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const host = readHost(process.env);
  const places = readPlaces(process.env);
  const room = openRoom(places, process.env);
  const stopped = stopSignal();

  const results = await Promise.allSettled(
    places.map(({ framework, port }) => starters[framework](room, port, host)),
  );
  const stops = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
  const failure = results.find((result) => result.status === "rejected");

  if (!failure) {
    console.log(banner(places, host));
    await stopped;
    console.log("Stopping …");
  }
  // With the last server gone nothing keeps the process alive: it ends by itself.
  await Promise.all(stops.map((stop) => stop()));
  room.close();
  if (failure) {
    throw listenFailed(
      places.filter((_place, i) => results[i]?.status === "rejected"),
      failure.reason,
    );
  }
}

/** The listeners stay: a terminal and a package manager may both pass on the same Ctrl-C. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGINT", resolve);
    process.on("SIGTERM", resolve);
  });
}

function banner(places: readonly Place[], host: string): string {
  const shownHost = ["127.0.0.1", "0.0.0.0", "::"].includes(host) ? "localhost" : host;
  return [
    "",
    "  One chat room, three frameworks:",
    "",
    ...places.map(
      ({ framework, port }) => `    ${displayNames[framework].padEnd(9)} http://${shownHost}:${port}/`,
    ),
    "",
    "  Open two of them and say hello. Ctrl-C stops.",
    "",
  ].join("\n");
}
