import { setTimeout as sleep } from "node:timers/promises";
import type { Hooks, Message, Peer, UpgradeResult } from "@spry-ws/core";
import { useRequestURI } from "@spry-ws/core";
import type { Adapter, Route } from "../fixtures/adapter.ts";
import { IntendedError } from "./error-ledger.ts";
import type { HookWatch } from "./hook-watch.ts";

/**
 * What the server under attack serves: hooks of every temper, each with delays in which a client may vanish, and plain
 * routes. `/echo` and `/sync` are the good client's too.
 */
export function hostileRoutes(
  { hasFramework }: Adapter,
  watch: HookWatch,
  random: () => number,
): Record<string, Route> {
  /** Mostly short, now and then long enough for anything to happen meanwhile. */
  const delay = (): Promise<void> => sleep(random() < 0.1 ? random() * 60 : random() * 3);
  const guard = async (url: string) => {
    await delay();
    if (url.includes("throw")) throw new IntendedError("middleware failed");
    return url.includes("refuse") ? { status: 401, headers: { "X-Guard": "no" }, body: "no" } : undefined;
  };

  const sync: Hooks = { message: echo };
  const async: Hooks = {
    upgrade: delay,
    async open() {
      if (random() < 0.3) await delay();
    },
    async message(peer, message) {
      if (startsWith(message, "slow")) await sleep(random() * 3);
      echo(peer, message);
    },
    async close() {
      if (random() < 0.3) await delay();
    },
    async error() {
      await delay();
    },
  };
  const throwing: Hooks = {
    message(peer, message) {
      if (startsWith(message, "throw")) throw new IntendedError("message hook threw");
      if (startsWith(message, "reject")) return delay().then(() => rejected("message hook rejected"));
      return echo(peer, message);
    },
  };
  const topic: Hooks = {
    open: (peer) => peer.subscribe("all"),
    message(peer, message) {
      if (message.bytes().length < 200) peer.publish("all", message);
    },
  };

  const routes: Record<string, Route> = {
    "/": { text: "plain" },
    "/slow": { text: "slow", guard: () => delay().then(() => undefined) },
    "/echo": { hooks: watch.wrap(async), text: "fallback" },
    "/sync": { hooks: watch.wrap(sync) },
    "/throws": { hooks: watch.wrap({ ...throwing, error: () => {} }) },
    "/throws-unheard": { hooks: watch.wrap(throwing) },
    "/topic": { hooks: watch.wrap({ ...topic, error: (peer) => peer.send("sorry") }) },
    "/guarded": { hooks: watch.wrap(async), guard },
    "/moody": { hooks: watch.wrap({ ...sync, upgrade: (event) => mood(useRequestURI(event), delay) }) },
  };
  if (hasFramework) routes["/rooms/:room"] = { hooks: watch.wrap(async) };
  return routes;
}

function echo(peer: Peer, message: Message): void {
  peer.send(message);
}

function startsWith(message: Message, word: string): boolean {
  return message.isText && message.text().startsWith(word);
}

/** All that an `upgrade` hook may answer, and some that it must not. */
async function mood(url: URL, delay: () => Promise<void>): Promise<UpgradeResult<unknown>> {
  await delay();
  switch (url.searchParams.get("mood")) {
    case "refuse":
      return new Response("refused", { status: 403, headers: { "X-Mood": "bad" } });
    case "throw-response":
      throw new Response(null, { status: 429 });
    case "broken-body":
      return new Response(brokenBody(), { status: 403 });
    case "throw":
      throw new IntendedError("upgrade hook threw");
    case "protocol":
      return { protocol: "not-offered" };
    case "nonsense":
      return 42 as unknown as undefined;
    default:
      return { headers: { "X-Mood": "good" } };
  }
}

function brokenBody(): ReadableStream<Uint8Array> {
  let pulls = 0;
  return new ReadableStream({
    pull(controller) {
      if (pulls++ < 3) controller.enqueue(new Uint8Array(100));
      else controller.error(new IntendedError("body failed"));
    },
  });
}

function rejected(text: string): never {
  throw new IntendedError(text);
}
