/** Frames that wait to be written. */
export interface Pending {
  write(): void;
  /** For how long such writes may hold the event loop, in milliseconds; 0 for as long as it takes. */
  readonly sliceMs: number;
}

/** Those that were not reached in the time of a slice. */
interface Rest {
  readonly list: readonly Pending[];
  at: number;
}

/** After so many writes the clock is looked at: a write takes from 5 µs on, and the clock 0.05. */
const writesPerLook = 8;

/** To be written at the end of this tick. */
let due: Pending[] = [];
/** To be written in slices between the turns of the event loop. */
const rests: Rest[] = [];

/** Changes with each tick in which something is written: who is queued for an earlier one waits among the rests. */
export let turn = 1;

/** Queues a write for the end of this tick. A write of what has nothing pending any more must do nothing. */
export function writeSoon(pending: Pending): void {
  if (due.push(pending) === 1) process.nextTick(writeDue);
}

/**
 * Who gets something in this tick gets it at its end, up to the time of a slice; so an answer to one peer does not wait behind a
 * publish to thousands.
 */
function writeDue(): void {
  const rest = { list: due, at: 0 };
  due = [];
  turn++;
  if (!writeSlice(rest) && rests.push(rest) === 1) setImmediate(writeRests);
}

function writeRests(): void {
  const [rest] = rests;
  if (rest && writeSlice(rest)) rests.shift();
  if (rests.length > 0) setImmediate(writeRests);
}

/** True when all are written. */
function writeSlice(rest: Rest): boolean {
  const { list } = rest;
  const sliceMs = (list[rest.at] as Pending).sliceMs || Number.POSITIVE_INFINITY;
  // Few are written in no time.
  const until =
    list.length - rest.at > writesPerLook ? performance.now() + sliceMs : Number.POSITIVE_INFINITY;
  while (rest.at < list.length) {
    (list[rest.at] as Pending).write();
    rest.at++;
    if (rest.at % writesPerLook === 0 && until !== Number.POSITIVE_INFINITY && performance.now() >= until)
      break;
  }
  return rest.at === list.length;
}
