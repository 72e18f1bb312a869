// Loaded into a server before its own program (`--import`): counts what it allocates and writes. Answers `{ ask: "counts" }`.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";

const methods = [
  "writeBuffer",
  "writev",
  "writeUtf8String",
  "writeLatin1String",
  "writeAsciiString",
  "writeUcs2String",
];

let writes = 0;
let collections = 0;

/** Puts a count before each way to write, at the handles of TCP sockets alone: the channel to the parent has others. */
function countWrites({ socket }) {
  unsubscribe("net.server.socket", countWrites);
  const prototype = Object.getPrototypeOf(socket._handle);
  for (const method of methods) {
    const write = prototype[method];
    prototype[method] = function (one, two, three, four) {
      writes++;
      return write.call(this, one, two, three, four);
    };
  }
}
subscribe("net.server.socket", countWrites);

new PerformanceObserver((list) => {
  collections += list.getEntries().filter(({ detail }) => !(detail.flags & FORCED)).length;
}).observe({ entryTypes: ["gc"] });
const FORCED = constants.NODE_PERFORMANCE_GC_FLAGS_FORCED;

/**
 * The bytes of the young generation, where everything is allocated that V8 does not expect to live long. Of the old one V8 gives no
 * exact figure: it counts as used what it has set aside, up to a page of 256 KiB.
 */
function youngBytes() {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => space_name.startsWith("new_"));
  return spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

process.on("message", async ({ ask }) => {
  if (ask !== "counts" && ask !== "counts after a collection") return;
  // What is still under way has to end first.
  await turn();
  if (ask === "counts after a collection") {
    globalThis.gc();
    await turn();
  }
  const { arrayBuffers } = process.memoryUsage();
  process.send({ counts: { heapBytes: youngBytes(), arrayBufferBytes: arrayBuffers, writes, collections } });
});
