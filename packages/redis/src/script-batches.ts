import type { Script } from "./history-scripts.ts";

/** What a script is to be run with. */
export interface ScriptInput {
  readonly script: Script;
  /** Of one topic, the same first one with each call. */
  readonly keys: readonly string[];
  /** With a `part`, the first may be that of any call; only calls with the same others are run together. */
  readonly args: readonly string[];
  /**
   * For a script that takes the parts of several calls: what is of this call alone. It answers with a list then, of what each call gets:
   * a list of an empty string and a text is an error.
   */
  readonly part?: ScriptPart;
}

interface ScriptPart {
  readonly key: string;
  readonly args: readonly [string, Buffer];
}

/** Calls that are one command. */
export interface Batch<C extends ScriptInput> {
  readonly calls: C[];
  byteLength: number;
}

/** What one command has at most, as Redis does nothing else meanwhile: 64 messages, which take it half a millisecond, and 128 KiB. */
const [maxParts, maxBytes] = [64, 131_072];

/** Puts calls together that can be one command, without changing the order of the calls of a topic. */
export function inBatches<C extends ScriptInput>(calls: readonly C[]): Batch<C>[] {
  const batches: Batch<C>[] = [];
  /** What the next call may be added to, by the first key of the topic. */
  const open = new Map<string, Batch<C>>();
  for (const call of calls) {
    const topic = call.keys[0] as string;
    const batch = open.get(topic);
    const byteLength = call.part?.args[1].length ?? 0;
    if (batch && fits(batch, call, byteLength)) {
      batch.calls.push(call);
      batch.byteLength += byteLength;
    } else {
      const begun = { calls: [call], byteLength };
      batches.push(begun);
      if (calls.length > 1) open.set(topic, begun);
    }
  }
  return batches;
}

function fits(batch: Batch<ScriptInput>, { script, args, part }: ScriptInput, byteLength: number): boolean {
  const [first] = batch.calls as [ScriptInput];
  if (!part || first.script !== script) return false;
  if (batch.calls.length === maxParts || batch.byteLength + byteLength > maxBytes) return false;
  for (let at = 1; at < args.length; at++) if (args[at] !== first.args[at]) return false;
  return true;
}

export function commandOf({ calls }: Batch<ScriptInput>): (string | Buffer)[] {
  const [{ script, keys, args, part }] = calls as [ScriptInput];
  const count = part ? keys.length + calls.length : keys.length;
  const command: (string | Buffer)[] = ["EVALSHA", script.sha, String(count), ...keys];
  if (part) for (const call of calls) command.push((call.part as ScriptPart).key);
  command.push(...args);
  if (part) for (const call of calls) command.push(...(call.part as ScriptPart).args);
  return command;
}

/** What each call of a batch is answered: an Error where it is refused. */
export function answersOf({ calls }: Batch<ScriptInput>, answer: unknown): readonly unknown[] {
  if (!calls[0]?.part) return [answer];
  if (!Array.isArray(answer)) return calls.map(() => answer);
  return answer.map((one) => (Array.isArray(one) && one[0].length === 0 ? new Error(String(one[1])) : one));
}
