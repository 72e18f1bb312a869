import { defineHooks, type Hooks, Message, type SpryWs, type SpryWsOptions } from "@spry-ws/koa";
import { arena, Game, keys, type Player } from "./game.ts";
import { Loop } from "./loop.ts";
import { encodeSnapshot, parseInput } from "./protocol.ts";

const stepMs = 1_000 / 30;
const topic = "snapshots";
/** With more than this waiting for it, a client gets no new snapshot: it would be old before it arrives. */
const highWaterMarkBytes = 16_384;

export const options: SpryWsOptions = {
  maxPayload: 16,
  rateLimit: { messages: 60 },
  maxPeers: 100,
  highWaterMarkBytes,
};

/** Brings together the game, the loop and the clients. */
export class Arena {
  readonly #game = new Game();
  readonly #spry: SpryWs;
  readonly loop: Loop = new Loop(
    stepMs,
    () => this.#game.step(stepMs / 1_000),
    () => this.#publish(),
  );

  constructor(spry: SpryWs) {
    this.#spry = spry;
  }

  readonly hooks: Hooks<Player> = defineHooks({
    upgrade: () => ({ context: this.#game.createPlayer() }),

    open: (peer) => {
      this.#game.join(peer.context);
      peer.send(Message.json({ you: peer.context.id, arena, keys }));
      peer.subscribe(topic);
      this.loop.start();
    },

    message: (peer, message) => {
      const pressed = parseInput(message);
      if (pressed === undefined) return void peer.close(1008, "not an input");
      peer.context.pressed = pressed;
    },

    // All that waited for this client has been sent: it gets the next snapshot again.
    drain: (peer) => peer.subscribe(topic),

    close: (peer) => {
      this.#game.leave(peer.context);
      if (this.#game.players.size === 0) this.loop.stop();
    },
  });

  #publish(): void {
    for (const peer of this.#spry.peers) {
      // Above this mark `drain` is called once the buffer has emptied.
      if (peer.bufferedAmount > highWaterMarkBytes) peer.unsubscribe(topic);
    }
    this.#spry.publish(topic, encodeSnapshot(this.#game));
  }
}
