// The work that is counted. One message in flight, or one burst: then what is read and written at once does not depend on how
// busy the machine is.
import { Requests } from "../load/requests.mjs";
import { wires } from "../load/wires.mjs";

const TEXT = "twenty bytes of text";
const CLIENTS = 16;
const SUBSCRIBERS = 200;
const BURST = 32;
const HANDSHAKES_AT_ONCE = 8;

const { websocket } = wires;
const served = wires["spry.v1"];

/**
 * @typedef {object} CostScene
 * @property {string} name
 * @property {string} of what a cost is for
 * @property {string[]} [serverArgs]
 * @property {number} messages how many one round has
 * @property {(trial: import("../load/trial.mjs").Trial) => Promise<() => Promise<unknown>>} prepare gives what one round does
 */

/** Has each peer send so many messages, each when the answer to the last one is there; bytes are counted, not looked at. */
function talk(peers, messages, next, replyBytes) {
  const conversations = peers.map((peer, index) => ({ peer, index, missing: 0, left: 0, end: () => {} }));
  const send = (one) => {
    one.missing = replyBytes;
    one.left--;
    one.peer.write(next(one.index));
  };
  for (const one of conversations) {
    one.peer.count((count) => {
      one.missing -= count;
      if (one.missing > 0) return;
      if (one.left > 0) send(one);
      else one.end();
    });
  }
  const start = (one) =>
    new Promise((resolve) => {
      one.end = resolve;
      one.left = messages / peers.length;
      send(one);
    });
  return () => Promise.all(conversations.map(start));
}

/** @type {CostScene} */
const echo = {
  name: "echo",
  of: "a message",
  messages: 1_600,
  async prepare(trial) {
    const peers = await trial.openMany(CLIENTS, () => "/echo");
    const [message, reply] = [websocket.message(TEXT), websocket.reply(TEXT)];
    for (const peer of peers) {
      peer.write(message);
      await peer.expect(reply, "the echo of one message");
    }
    return talk(peers, this.messages, () => message, reply.length);
  },
};

/** @type {CostScene} */
const burst = {
  name: "burst",
  of: `a message to ${SUBSCRIBERS}, ${BURST} at once`,
  serverArgs: ["--whole-writes"],
  messages: 20 * BURST,
  async prepare(trial) {
    const peers = await trial.openMany(SUBSCRIBERS, () => "/topic/feed");
    const publisher = await trial.open("/publish/feed");
    const order = Buffer.concat(Array(BURST).fill(websocket.message(TEXT)));
    const expected = Buffer.concat(Array(BURST).fill(websocket.reply(TEXT)));
    publisher.write(order);
    await Promise.all(peers.map((peer) => peer.expect(expected, "a burst at a subscriber")));
    let missing = 0;
    let end = () => {};
    for (const peer of peers) {
      peer.count((count) => {
        missing -= count;
        if (missing === 0) end();
      });
    }
    return async () => {
      for (let i = 0; i < this.messages / BURST; i++) {
        missing = expected.length * SUBSCRIBERS;
        const ended = new Promise((resolve) => {
          end = resolve;
        });
        publisher.write(order);
        await ended;
      }
    };
  },
};

/** @type {CostScene} */
const handshake = {
  name: "handshake",
  of: "a handshake, and the end of its connection",
  messages: 100,
  async prepare(trial) {
    return async () => {
      let next = 0;
      const work = async () => {
        while (next++ < this.messages) (await trial.open("/echo")).reset();
      };
      await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, work));
    };
  },
};

/** @type {CostScene} */
const request = {
  name: "request",
  of: "a request of a service, and its answer",
  serverArgs: ["--service"],
  messages: 1_600,
  async prepare(trial) {
    const peers = await trial.openMany(CLIENTS, () => "/request", { wire: served });
    const requests = peers.map(() => new Requests(served.requests, TEXT, 1));
    for (const [index, peer] of peers.entries()) {
      peer.write(requests[index].next());
      await peer.expect(requests[index].firstAnswers, "the answer to the first request");
    }
    return talk(peers, this.messages, (index) => requests[index].next(), requests[0].answerBytes);
  },
};

export const costScenes = [echo, burst, handshake, request];
