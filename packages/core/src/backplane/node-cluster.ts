import cluster from "node:cluster";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import type { Backplane, BackplaneEvents, BackplaneLink } from "../backplane.ts";
import { createError } from "../errors.ts";
import { type ClusterMessage, type Envelope, isEnvelope } from "./cluster-messages.ts";
import { serveWorkers } from "./cluster-primary.ts";
import { Hub, type HubMember, joinHub } from "./hub.ts";

const setUp = "call serveNodeCluster() in the primary process, before it forks the first worker";

/** How long to wait for the primary process. One that has called serveNodeCluster() answers sooner. */
const answerWithinMs = 1_000;

let hub: Hub<HubMember> | undefined;
let lastLink = 0;

/**
 * Joins the workers of `node:cluster`, without a broker: the primary process passes their messages on. Call it there once,
 * before the first `cluster.fork()`; it sets `serialization: "advanced"` in `cluster.setupPrimary`, so that bytes are sent as they are.
 *
 * @throws Error `SPRY_WS_BACKPLANE` in a worker, in a worker thread, or when there are workers already that were forked without
 * that setting
 * @example
 * if (cluster.isPrimary) {
 *   serveNodeCluster();
 *   for (let i = 0; i < availableParallelism(); i++) cluster.fork();
 * } else {
 *   app.use(spryWs({ backplane: nodeCluster() }));
 * }
 */
export function serveNodeCluster(): void {
  assertMainThread("serveNodeCluster()");
  if (!cluster.isPrimary) throw createError("SPRY_WS_BACKPLANE", `this is a worker: ${setUp}`);
  if (hub) return;
  const hasWorkers = Object.keys(cluster.workers ?? {}).length > 0;
  if (hasWorkers && cluster.settings.serialization !== "advanced") {
    throw createError("SPRY_WS_BACKPLANE", `there are workers already: ${setUp}`);
  }
  cluster.setupPrimary({ serialization: "advanced" });
  hub = serveWorkers(new Hub());
}

/**
 * The backplane of a worker of `node:cluster`; see `serveNodeCluster()`. In the primary process, and so also in an app that
 * runs without workers, it takes part directly.
 *
 * @throws Error `SPRY_WS_BACKPLANE` in a worker thread
 */
export function nodeCluster(): Backplane {
  assertMainThread("nodeCluster()");
  return { name: "node:cluster", open: cluster.isPrimary ? openInPrimary : openInWorker };
}

/** In a worker thread, also in one of a worker, `cluster` says that this is a primary process, and no message would get out. */
function assertMainThread(caller: string): void {
  if (isMainThread) return;
  throw createError(
    "SPRY_WS_BACKPLANE",
    `${caller} does not work in a worker thread, which node:cluster takes for a primary process of its own: ` +
      "nobody would hear what is published there. Call it in the main thread, and let the thread hand over what is to be " +
      "published (parentPort.postMessage), or use the backplane redis() or nats(); in tests, memoryBackplane()",
  );
}

function openInPrimary(events: BackplaneEvents): BackplaneLink {
  serveNodeCluster();
  return joinHub(hub as Hub<HubMember>, events);
}

function openInWorker(events: BackplaneEvents): BackplaneLink {
  const link = ++lastLink;
  const calls = new Map<number, { resolve(): void; reject(error: Error): void }>();
  let lastCall = 0;
  const post = (message: ClusterMessage) =>
    new Promise<void>((resolve, reject) => {
      const envelope: Envelope = { link, "spry-ws": message };
      process.send?.(envelope, undefined, {}, (error) => (error ? reject(error) : resolve()));
    });
  const change = (kind: "subscribe" | "unsubscribe", topics: readonly string[]) => {
    const call = ++lastCall;
    return new Promise<void>((resolve, reject) => {
      calls.set(call, { resolve, reject });
      post({ kind, topics, call }).catch((error) => {
        calls.delete(call);
        reject(error);
      });
    });
  };
  const giveUp = (reason: string) => {
    for (const { reject } of calls.values()) reject(new Error(reason));
    calls.clear();
  };
  const publishing = new Set<Promise<void>>();
  let isClosed = false;
  const onGap = async (since: bigint) => {
    events.down(new Error("this worker did not read for too long, and messages for it were dropped"), {
      lastHeardAt: performance.now() - Number(process.hrtime.bigint() - since) / 1e6,
    });
    // All that was published before must have settled before `up`: the contract of `open` says so.
    await Promise.allSettled(publishing);
    if (!isClosed && process.connected) events.up();
  };
  const onMessage = (envelope: unknown) => {
    if (!isEnvelope(envelope) || envelope.link !== link) return;
    const message = envelope["spry-ws"];
    if (message.kind === "welcome") {
      clearTimeout(unanswered);
      if (message.probe instanceof Uint8Array) events.up();
      else events.down(new Error(`bytes do not arrive as bytes: ${setUp}`), { permanent: true });
    } else if (message.kind === "deliver") {
      for (const { topic, data } of message.messages) events.message(topic, data);
    } else if (message.kind === "done") {
      calls.get(message.call)?.resolve();
      calls.delete(message.call);
    } else if (message.kind === "gap") void onGap(message.since);
  };
  const unanswered = setTimeout(() => {
    events.down(new Error(`the primary process does not answer: ${setUp}`));
  }, answerWithinMs).unref();
  const onDisconnect = () => {
    events.down(new Error("the primary process is gone"), { permanent: true });
    giveUp("the primary process is gone");
  };
  process.on("message", onMessage).on("disconnect", onDisconnect);
  post({ kind: "hello", probe: new Uint8Array(1) }).catch((error) => {
    if (!isClosed) events.down(error, { permanent: true });
  });
  return {
    publish(messages) {
      const published = post({ kind: "publish", messages });
      publishing.add(published);
      const settled = () => publishing.delete(published);
      published.then(settled, settled);
      return published;
    },
    subscribe: (topics) => change("subscribe", topics),
    unsubscribe: (topics) => change("unsubscribe", topics),
    async close() {
      isClosed = true;
      clearTimeout(unanswered);
      process.off("message", onMessage).off("disconnect", onDisconnect);
      giveUp("the backplane is closed");
      if (process.connected) await post({ kind: "bye" }).catch(() => {});
    },
  };
}
