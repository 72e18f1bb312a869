/** Frames of one peer that wait to be written. */
export interface Pending {
  write(): void;
  /** As of `Work`. */
  readonly sliceMs: number;
}

/** Many writes, which may take longer than others should wait. */
export interface Work {
  /** Does the next write. False when none is left. */
  next(): boolean;
  /** For how long it may hold the event loop at once, in milliseconds; 0 for as long as it takes. */
  readonly sliceMs: number;
}

/** After so many writes the clock is looked at: a write takes from 5 µs on, and the clock 0.05. */
const writesPerLook = 8;

/** To be written at the end of this tick. */
let due: Pending[] = [];
/** To be done behind these. */
let works: Work[] = [];
let isQueued = false;
/** What was not finished in the time of a slice, to go on between the turns of the event loop. */
const rests: Work[] = [];

/** Changes with each tick in which something is written: who is queued for an earlier one waits among the rests. */
export let turn = 1;

/** Queues a write for the end of this tick. A write of what has nothing pending any more must do nothing. */
export function writeSoon(pending: Pending): void {
  due.push(pending);
  queue();
}

/** Queues many writes for the end of this tick. What does not fit into the time of a slice comes in later turns of the event loop. */
export function workSoon(work: Work): void {
  works.push(work);
  queue();
}

function queue(): void {
  if (isQueued) return;
  isQueued = true;
  process.nextTick(writeDue);
}

/**
 * Who gets something in this tick gets it at its end, up to the time of a slice; so an answer to one peer does not wait behind a
 * publish to thousands.
 */
function writeDue(): void {
  const writes = due;
  const begun = works;
  due = [];
  if (begun.length > 0) works = [];
  isQueued = false;
  turn++;
  // Few are written in no time.
  if (writes.length <= writesPerLook) for (let i = 0; i < writes.length; i++) (writes[i] as Pending).write();
  else begin(new Writes(writes));
  for (let i = 0; i < begun.length; i++) begin(begun[i] as Work);
}

function begin(work: Work): void {
  if (!doSlice(work) && rests.push(work) === 1) setImmediate(doRests);
}

/** One slice in each turn of the event loop; they take turns, as one of them may go on and on. */
function doRests(): void {
  const rest = rests.shift();
  if (rest && !doSlice(rest)) rests.push(rest);
  if (rests.length > 0) setImmediate(doRests);
}

/** True when all is done. */
function doSlice(work: Work): boolean {
  let until = 0;
  for (let count = 1; work.next(); count++) {
    if (count % writesPerLook !== 0 || work.sliceMs === 0) continue;
    if (until === 0) until = performance.now() + work.sliceMs;
    else if (performance.now() >= until) return false;
  }
  return true;
}

/** The peers that were queued one by one. */
class Writes implements Work {
  readonly #list: readonly Pending[];
  #at = 0;

  constructor(list: readonly Pending[]) {
    this.#list = list;
  }

  get sliceMs(): number {
    return (this.#list[this.#at] as Pending).sliceMs;
  }

  next(): boolean {
    const pending = this.#list[this.#at];
    if (!pending) return false;
    pending.write();
    this.#at++;
    return this.#at < this.#list.length;
  }
}
