import { PublishedMessage } from "../frames/published-message.ts";
import { Message } from "../message.ts";
import { Peer } from "../peer.ts";
import { Connection } from "./connection.ts";

/** A message for many peers of one instance, who get it at different times: framed once, and compressed once. */
export class SharedMessage {
  readonly message: Message;
  #published: PublishedMessage | undefined;

  /** @param bytes belong to the message from now on; those of a text are UTF-8 */
  constructor(bytes: Uint8Array, isText: boolean) {
    this.message = new Message(bytes, isText);
  }

  /**
   * Sends it to a peer, unless more would wait for that peer then than `highWaterMarkBytes`; one message alone may be larger. It never
   * closes the peer, nor drops anything of what others send (`sendBuffer`).
   *
   * @returns false if it is not sent, as of a peer that is not open: `peer.drained()` resolves when it is worth another try
   */
  offerTo(peer: Peer): boolean {
    const connection = Peer.link(peer);
    if (!(connection instanceof Connection)) return false;
    this.#published ??= new PublishedMessage(this.message, connection.options.perMessageDeflate);
    return connection.outbound.offer(this.#published);
  }
}
