import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import { isTextPayload, Message, type Payload } from "../message.ts";

/**
 * How a message travels between processes:
 *
 * | bytes | |
 * |---|---|
 * | 0 | version in the upper seven bits: 1, or 2 for a control; 1 in the lowest for text |
 * | 1–8 | origin: a random number of the instance that published |
 * | 9–14 | sequence: counts that instance's messages, from 1 |
 * | 15… | the payload as it is, text as UTF-8 |
 *
 * A control is not for subscribers, but for the instances that have some: instances that know none take it for something foreign.
 */
const version = 1;
const controlVersion = 2;
const originAt = 1;
const sequenceAt = 9;
const payloadAt = 15;

/** What another process published. */
export interface Received {
  /** Two messages with the same origin and topic: the one with the higher sequence is the later one. */
  readonly origin: string;
  readonly sequence: number;
  readonly message: Message;
  /** Whether the message is for the instance, and not for subscribers. */
  readonly isControl: boolean;
}

/** Packs what one instance publishes, and unpacks what others have. */
export class Envelopes {
  readonly #origin = randomBytes(sequenceAt - originAt);
  #sequence = 0;

  pack(payload: Payload, isControl = false): Uint8Array {
    const size = typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
    const envelope = Buffer.allocUnsafe(payloadAt + size);
    envelope[0] = ((isControl ? controlVersion : version) << 1) | (isTextPayload(payload) ? 1 : 0);
    envelope.set(this.#origin, originAt);
    envelope.writeUIntBE(++this.#sequence, sequenceAt, payloadAt - sequenceAt);
    if (typeof payload === "string") envelope.write(payload, payloadAt, "utf8");
    else if (payload instanceof Message) payload.copyInto(envelope, payloadAt);
    else envelope.set(payload, payloadAt);
    return envelope;
  }

  /** @returns undefined for a message of this instance; false for what no instance of this version has packed */
  unpack(data: Uint8Array): Received | false | undefined {
    const envelope = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const first = envelope[0] as number;
    const isControl = first >> 1 === controlVersion;
    if (envelope.length < payloadAt || (!isControl && first >> 1 !== version)) return false;
    if (this.#origin.compare(envelope, originAt, sequenceAt) === 0) return undefined;
    const isText = (first & 1) === 1;
    // Subscribers get these bytes unchecked in a text frame: if they are not UTF-8, each client would fail its connection.
    if (isText && !isUtf8(envelope.subarray(payloadAt))) return false;
    return {
      origin: envelope.toString("latin1", originAt, sequenceAt),
      sequence: envelope.readUIntBE(sequenceAt, payloadAt - sequenceAt),
      message: new Message(envelope.subarray(payloadAt), isText),
      isControl,
    };
  }
}
