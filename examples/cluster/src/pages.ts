import { createPages, type Page } from "@spry-ws/example-page";

/** The page, which may connect to all of the processes. */
export function createWebsite(ports: readonly number[]): ReadonlyMap<string, Page> {
  const connectTo = ["localhost", "127.0.0.1"].flatMap((host) => ports.map((port) => `ws://${host}:${port}`));
  return createPages({ "/": new URL("../public/", import.meta.url) }, { connectTo });
}
