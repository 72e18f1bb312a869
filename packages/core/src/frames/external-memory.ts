import { getHeapSpaceStatistics } from "node:v8";

/** There is to be a scavenge for each so many bytes of external memory: V8 collects fully when 64 MiB have come together. */
const bytesPerScavenge = 16_777_216;
/** How often the size of the new space is asked for, in bytes of external memory: it grows and shrinks, and asking takes 50 µs. */
const bytesPerLook = 67_108_864;
/** An array of so many elements, of 8 bytes each, is allocated at a time. */
const elements = 1_024;

let seen = bytesPerLook;
let unmatched = 0;
/** For so many bytes of external memory one array is allocated. */
let bytesPerArray = Number.POSITIVE_INFINITY;

/** The array that was allocated last: what nobody holds need not be allocated at all. */
const latest: unknown[] = [];

/**
 * Notes bytes that lie outside of V8's heap: what a socket has delivered, the memory of a frame.
 *
 * Such memory is given back by the next scavenge, and a scavenge comes when the new space of the heap is full. Large messages
 * fill it slowly: they are a few small objects each. What they hold outside has reached the bound at which V8 collects the whole
 * heap long before, where starting a framework has made the new space grow to its 16 MiB: a pause of 10 ms after every 2,000
 * messages of 16 KiB. So short-lived arrays are allocated in proportion, which bring the scavenge earlier; one costs 0.1 µs, and a
 * scavenge costs what survives it.
 */
export function noteExternalMemory(bytes: number): void {
  seen += bytes;
  unmatched += bytes;
  if (seen >= bytesPerLook) {
    seen = 0;
    bytesPerArray = (bytesPerScavenge * elements * 8) / newSpaceBytes();
  }
  while (unmatched >= bytesPerArray) {
    unmatched -= bytesPerArray;
    latest[0] = new Array(elements);
  }
}

/** What fits into the new space before it is scavenged; 0, so that nothing is allocated, where the engine does not say. */
function newSpaceBytes(): number {
  try {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    return space ? space.space_used_size + space.space_available_size : 0;
  } catch {
    return 0; // Bun.
  }
}
