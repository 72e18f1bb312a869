import type { RedisNode } from "./broker.ts";
import type { RedisConnection } from "./connection.ts";
import { isBeingMoved, isScriptMissing } from "./explain.ts";
import { scripts } from "./history-scripts.ts";
import type { RedisNodes } from "./nodes.ts";
import { answersOf, commandOf, inBatches, type ScriptInput } from "./script-batches.ts";

interface Call extends ScriptInput {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** How long an answer may take. */
const answerMs = 10_000;

/** What a call rejects with that was never sent. */
export class Unsent extends Error {
  constructor() {
    super("the history is not connected to Redis");
  }
}

/** Loads the scripts into every server. */
export function loadScripts(nodes: RedisNodes): Promise<void> {
  return nodes.each(async (node) => {
    const answers = await node.run(scripts.map(({ text }) => ["SCRIPT", "LOAD", text]));
    for (const answer of answers) if (answer instanceof Error) throw answer;
  });
}

/**
 * Runs scripts, those of one turn of the event loop in one write for each server, and in as few commands as they fit into. Calls for one topic are run in their order, also where the
 * server has forgotten the scripts (SCRIPT FLUSH): then nothing more is sent until all that was has been answered, and what was not run is
 * sent again.
 */
export class ScriptCalls {
  readonly #connection: RedisConnection;
  readonly #sent = new Set<Call>();
  #queued: Call[] = [];
  /** Those whose script is missing. While there are any, nothing is sent. */
  #missing: Call[] = [];

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** @throws what Redis answers, why the connection was lost, or Unsent */
  call(input: ScriptInput): Promise<unknown> {
    if (!this.#connection.isUp) return Promise.reject(new Unsent());
    return new Promise((resolve, reject) => {
      if (this.#queued.length === 0) setImmediate(() => this.flush());
      this.#queued.push({ ...input, resolve, reject });
    });
  }

  /** Sends what has been called. */
  flush(): void {
    if (this.#missing.length > 0) return;
    const calls = this.#queued;
    this.#queued = [];
    const byNode = new Map<RedisNode, Call[]>();
    for (const call of calls) {
      try {
        if (!this.#connection.isUp) throw new Unsent();
        const node = this.#connection.nodes.at(call.keys[0] as string);
        const list = byNode.get(node);
        if (list) list.push(call);
        else byNode.set(node, [call]);
      } catch (error) {
        call.reject(error);
      }
    }
    for (const [node, list] of byNode) void this.#connection.run(() => this.#send(node, list));
  }

  /** The connections are lost: nobody knows what became of the calls that were sent. */
  fail(reason: unknown): void {
    for (const call of this.#sent) call.reject(reason);
    this.#sent.clear();
    for (const call of this.#missing.splice(0)) call.reject(new Unsent());
    this.flush();
  }

  /** Never rejects. */
  async #send(node: RedisNode, calls: readonly Call[]): Promise<void> {
    for (const call of calls) this.#sent.add(call);
    const timer = setTimeout(
      () => this.#connection.giveUp(new Error(`no answer within ${answerMs} ms`)),
      answerMs,
    );
    const batches = inBatches(calls);
    const answers = await node.run(batches.map(commandOf));
    clearTimeout(timer);
    let failure: unknown;
    for (const [index, batch] of batches.entries()) {
      for (const [at, answer] of answersOf(batch, answers[index]).entries()) {
        const call = batch.calls[at] as Call;
        if (this.#sent.delete(call)) this.#settle(call, answer);
        if (answer instanceof Error && !isBeingMoved(answer)) failure ??= answer;
      }
    }
    if (failure) this.#connection.check(failure);
    if (this.#missing.length > 0 && this.#sent.size === 0) void this.#loadAgain();
  }

  #settle(call: Call, answer: unknown): void {
    if (isScriptMissing(answer)) {
      this.#missing.push(call);
    } else if (answer instanceof Error) {
      call.reject(answer);
    } else {
      call.resolve(answer);
      // Somebody else has loaded the scripts meanwhile, and this call has overtaken those.
      for (const overtaken of this.#missing.splice(0))
        overtaken.reject(new Error("NOSCRIPT Redis had forgotten the scripts"));
    }
  }

  async #loadAgain(): Promise<void> {
    let failure: unknown;
    await this.#connection
      .run(() => loadScripts(this.#connection.nodes))
      .catch((error: unknown) => {
        failure = error;
      });
    const missing = this.#missing.splice(0);
    if (failure) for (const call of missing) call.reject(failure);
    else this.#queued.unshift(...missing);
    this.flush();
  }
}
