import type { Backplane, Hooks } from "@spry-ws/core";
import { Client } from "../fixtures/client.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";

/** What the suite needs of a backplane: as many of it as there are instances. */
export interface BackplaneSetup extends AsyncDisposable {
  create(): Backplane;
}

/** Every peer hears what the others send. */
export const hooks: Hooks = {
  open: (peer) => peer.subscribe("room"),
  message: (peer, message) => peer.publish("room", message),
};

export interface Apps extends AsyncDisposable {
  readonly list: readonly RunningApp[];
  ready(): Promise<void>;
}

export async function start(
  setup: BackplaneSetup,
  adapters: readonly Parameters<typeof serve>[0][],
  of: Hooks = hooks,
): Promise<Apps> {
  const list: RunningApp[] = [];
  for (const adapter of adapters) {
    list.push(
      await serve(adapter, { routes: { "/": { hooks: of } }, options: { backplane: setup.create() } }),
    );
  }
  return {
    list,
    ready: async () => void (await Promise.all(list.map(({ spry }) => spry.ready()))),
    async [Symbol.asyncDispose]() {
      for (const app of list) await app[Symbol.asyncDispose]();
    },
  };
}

/** One client for each app. */
export async function connect(
  apps: readonly RunningApp[],
): Promise<AsyncDisposable & { list: readonly Client[] }> {
  const list = await Promise.all(apps.map((app) => Client.open(app.url("/"))));
  return {
    list,
    async [Symbol.asyncDispose]() {
      for (const client of list) client.socket.terminate();
    },
  };
}
