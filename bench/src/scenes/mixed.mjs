// A room as applications have it: some of the peers publish, and other frames come between those of a topic.
import { everyoneBut } from "../contestants.mjs";
import { ACKNOWLEDGEMENT, NEWS } from "../texts.mjs";
import { keepPublishing } from "./keep-publishing.mjs";

const PEERS = 200;
const PUBLISHERS = 20;

/** What each publisher sends in a batch: its first character is the topic, where there are several. */
const texts = Array.from(
  { length: 8 },
  (_, i) => `${i % 3} is the topic of a message of sixty-four bytes, of plain text.\n`,
);

/** How many HTTP requests come in a batch, one on each connection, each makes the server publish NEWS. */
const REQUESTS = 4;
const request = "GET /news HTTP/1.1\r\nHost: localhost\r\n\r\n";

/**
 * @param {import("../load/trial.mjs").Trial} trial
 * @param {object} variant
 * @param {string} variant.path
 * @param {string} [variant.acknowledgement] what a sender gets after each of its messages
 * @param {boolean} [variant.hasNews] whether HTTP handlers publish too
 */
async function run(trial, { path, acknowledgement, hasNews = false }) {
  const { wire } = trial;
  const order = Buffer.concat(texts.map((text) => wire.message(text)));
  const replies = texts.map((text) => wire.reply(text));
  const confirmation = acknowledgement === undefined ? Buffer.alloc(0) : wire.reply(acknowledgement);
  const news = wire.reply(NEWS);
  const peers = await trial.openMany(PEERS, () => path);
  const publishers = peers.slice(0, PUBLISHERS);
  const requesters = Array.from({ length: hasNews ? REQUESTS : 0 }, () => trial.connect());

  const [publisher] = publishers;
  const atSender = Buffer.concat(replies.flatMap((reply) => [reply, confirmation]));
  publisher.write(order);
  for (const peer of peers)
    await peer.expect(peer === publisher ? atSender : Buffer.concat(replies), "messages in the room");
  for (const requester of requesters) {
    requester.write(request);
    await requester.expect(Buffer.from("HTTP/1.1 204 "), "the answer to an HTTP request");
    for (const peer of peers) await peer.expect(news, "what an HTTP handler published");
    requester.ignore();
  }

  const sent = PUBLISHERS * texts.length;
  const deliveries = (sent + requesters.length) * PEERS + (acknowledgement === undefined ? 0 : sent);
  const batch =
    (PUBLISHERS * Buffer.concat(replies).length + requesters.length * news.length) * PEERS +
    sent * confirmation.length;
  return keepPublishing(trial, peers, {
    publish() {
      // The requests come between the messages.
      for (const [i, one] of publishers.entries()) {
        one.write(order);
        if (i % (PUBLISHERS / REQUESTS) === 0) requesters[i / (PUBLISHERS / REQUESTS)]?.write(request);
      }
    },
    batch,
    delivery: batch / deliveries,
  });
}

/** @returns {import("./index.mjs").Scene} */
const scene = (name, title, variant) => ({
  name: `mixed-${name}`,
  group: "mixed",
  title: `Room, ${title}`,
  load: `${PUBLISHERS} of ${PEERS} peers send ${texts.length} messages of 64 bytes at a time, everyone hears everyone`,
  contestants: everyoneBut("net"),
  others: "Without raw net, which knows no messages.",
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "deliveries per second" }],
  run: (trial) => run(trial, variant),
});

export const mixed = [
  scene("copy", "the sender gets its copy by itself", { path: "/room" }),
  scene("ack", "the sender gets an acknowledgement too", {
    path: "/acknowledged",
    acknowledgement: ACKNOWLEDGEMENT,
  }),
  scene("topics", "each peer in three topics", { path: "/topics" }),
  scene("http", "HTTP handlers publish in between", { path: "/room", hasNews: true }),
];
