import cluster, { type Worker } from "node:cluster";
import process from "node:process";
import type { BackplaneMessage } from "../backplane.ts";
import { type ClusterMessage, type Envelope, isEnvelope } from "./cluster-messages.ts";
import type { Hub, HubMember } from "./hub.ts";

/** How many bytes may be on their way to one worker, and below how many one that missed something is told so. */
const [maxBytes, resumeBytes] = [16_777_216, 8_388_608];

/** Passes on what the workers publish. Returns the hub, for the primary process itself. */
export function serveWorkers(hub: Hub<HubMember>): Hub<HubMember> {
  const served = new Map<Worker, ServedWorker>();
  cluster.on("message", (worker, envelope: unknown) => {
    if (!isEnvelope(envelope)) return;
    const from = served.get(worker) ?? new ServedWorker(worker);
    served.set(worker, from);
    const { link, "spry-ws": message } = envelope;
    const member = from.member(link);
    if (message.kind === "hello") from.post(link, { kind: "welcome", probe: message.probe });
    else if (message.kind === "publish") hub.publish(member, message.messages);
    else if (message.kind === "subscribe" || message.kind === "unsubscribe") {
      hub[message.kind](member, message.topics);
      from.post(link, { kind: "done", call: message.call });
    } else if (message.kind === "bye") {
      hub.leave(member);
      from.links.delete(link);
    }
  });
  cluster.on("disconnect", (worker) => {
    for (const member of served.get(worker)?.links.values() ?? []) hub.leave(member);
    served.delete(worker);
  });
  return hub;
}

/** A worker with its links. A worker that reads nothing for a while must not fill the memory of the primary process. */
class ServedWorker {
  readonly links = new Map<number, HubMember>();
  readonly #worker: Worker;
  /** Links for which messages were dropped, and since when. */
  readonly #missing = new Map<number, bigint>();
  #bytes = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  member(link: number): HubMember {
    let member = this.links.get(link);
    if (!member) {
      member = { deliver: (messages) => this.#deliver(link, messages) };
      this.links.set(link, member);
    }
    return member;
  }

  post(link: number, message: ClusterMessage, onWritten = () => {}): void {
    // A worker that is going away needs nothing any more.
    if (this.#worker.isConnected())
      this.#worker.send({ link, "spry-ws": message } satisfies Envelope, undefined, onWritten);
  }

  #deliver(link: number, messages: readonly BackplaneMessage[]): void {
    let size = 0;
    for (const { topic, data } of messages) size += topic.length + data.byteLength;
    // What follows something dropped is dropped too, until the worker has been told.
    if (this.#missing.has(link) || (this.#bytes > 0 && this.#bytes + size > maxBytes)) {
      if (!this.#missing.has(link)) this.#missing.set(link, process.hrtime.bigint());
      return;
    }
    this.#bytes += size;
    this.post(link, { kind: "deliver", messages }, () => {
      this.#bytes -= size;
      // Not only when nothing is on its way: with a busy worker there may be no such moment.
      if (this.#bytes > resumeBytes) return;
      for (const [link, since] of this.#missing) this.post(link, { kind: "gap", since });
      this.#missing.clear();
    });
  }
}
