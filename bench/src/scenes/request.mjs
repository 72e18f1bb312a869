// Each request is answered with its argument.
import { services } from "../contestants.mjs";
import { Requests } from "../load/requests.mjs";
import { echo, goRound } from "./echo.mjs";

const CLIENTS = 64;
const IN_FLIGHT = 32;
const TEXT = "twenty bytes of text";

/**
 * As `echo`, with numbers: where there are no requests, it is `echo` itself.
 *
 * @param {import("../load/trial.mjs").Trial} trial
 */
async function run(trial) {
  const numbered = trial.wire.requests;
  if (!numbered) return echo.run(trial);
  const peers = await trial.openMany(CLIENTS, () => "/request");
  const requests = peers.map(() => new Requests(numbered, TEXT, IN_FLIGHT));
  for (const [index, peer] of peers.entries()) {
    peer.write(requests[index].next());
    await peer.expect(requests[index].firstAnswers, "the answers to the first requests");
  }
  const [{ answerBytes }] = requests;
  return goRound(trial, peers, {
    next: (index) => requests[index].next(),
    batchBytes: answerBytes * IN_FLIGHT,
    replyBytes: answerBytes,
  });
}

/** @type {import("./index.mjs").Scene} */
export const request = {
  name: "request",
  title: "Requests with answers",
  load: "20 bytes of text, 64 clients with 32 requests in flight each",
  contestants: [...services, "spry-http", "ws", "socket.io", "trpc"],
  others:
    "spry-ws on node:http and ws have no requests: an echo of the same text, what the socket can carry. Of the others, no request is checked by Socket.IO.",
  ours: "spry-service",
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "answers per second" }],
  run,
};
