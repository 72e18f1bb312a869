import type { Frame } from "./frames/frame.ts";
import type { PublishedMessage } from "./frames/published-message.ts";
import { type Work, workSoon } from "./write-queue.ts";

/** Who gets what is published. */
export interface Recipient {
  /** The number of the last publish that it was given, or that was not for it. Kept by the fan-out. */
  givenUpTo: number;
  readonly outbound: {
    share(message: PublishedMessage): void;
    shareAll(run: Run, isWritten: boolean): void;
    flush(): void;
  };
}

/** Messages that many recipients are given, in order. */
export interface Run {
  readonly messages: readonly PublishedMessage[];
  /** Of all messages together. */
  readonly byteLength: number;
  readonly largest: number;
  /** Where the frames of the messages lie: those that lie one behind the other are one here. */
  readonly frames: readonly Frame[];
  readonly framesLength: number;
}

/** A publish that not all recipients have been given. */
interface Waiting {
  /** All publishes that wait have a number, whatever their channel; later ones a higher one. */
  readonly number: number;
  readonly message: PublishedMessage;
  readonly except: Recipient | undefined;
}

/** Those who get the same messages. */
export class Channel {
  readonly recipients: Set<Recipient>;
  /** Undefined where nothing waits, and no round is under way. */
  waiting: Waiting[] | undefined;
  waitingBytes = 0;

  constructor(recipient: Recipient) {
    this.recipients = new Set([recipient]);
  }
}

/** What recipients of the same channels are given who have all been given the same. */
interface CommonRun extends Run {
  readonly waiting: readonly Waiting[];
  /** For recipients who have been given what has numbers from this one on… */
  readonly after: number;
  /** …and below this one. */
  readonly first: number;
  /** Who is not given some of it. */
  readonly excepted: ReadonlySet<Recipient>;
}

/** Whoever wants to know when the publishes up to this number have been given. */
interface Awaited {
  readonly channel: Channel;
  readonly number: number;
  readonly done: () => void;
}

/** So few recipients are given a message at once, which costs less then. */
const fewRecipients = 16;
/** With more, all recipients of a channel are given at once what waits: it must not grow while messages come faster than they go. */
const maxWaitingBytes = 262_144;
const maxWaitingMessages = 1_024;
/** Of so many publishes it is watched at once when they have been given to all. */
const maxAwaited = 1_024;
/** Channels are told apart by the bits of a number. */
const maxChannels = 30;

/** How many channels have messages that wait, of all instances: nearly always none. */
export let channelsWaiting = 0;

/**
 * Gives recipients at the end of a tick all that was published in it at once, so that it costs as much as there are messages and
 * recipients, not as much as one times the other; where there are many recipients, in slices. Whoever is sent something meanwhile
 * must be given before what was published before (`catchUp`), and so must who joins or leaves a channel.
 */
export class FanOut {
  readonly #sliceMs: number;
  readonly #channels: Channel[] = [];
  /** By the channels that they are of, as bits. */
  readonly #runs = new Map<number, CommonRun>();
  #published = 0;
  /** Who waits until a publish has been given to all; made only where anybody does. */
  #awaited: Awaited[] | undefined;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  /** The recipient joins a channel, and is given what is published from now on. */
  begin(recipient: Recipient): void {
    this.catchUp(recipient);
    recipient.givenUpTo = this.#published;
  }

  publish(channel: Channel, message: PublishedMessage, except: Recipient | undefined): void {
    if (!channel.waiting) {
      if (channel.recipients.size < fewRecipients || this.#channels.length === maxChannels) {
        this.giveAtOnce(channel, message, except);
        return;
      }
      this.#channels.push(channel);
      channel.waiting = [];
      channelsWaiting++;
      workSoon(new Round(this, channel, this.#sliceMs));
    }
    message.keep();
    channel.waiting.push({ number: ++this.#published, message, except });
    channel.waitingBytes += message.size;
    this.#runs.clear();
    if (channel.waiting.length < maxWaitingMessages && channel.waitingBytes < maxWaitingBytes) return;
    for (const recipient of channel.recipients) this.catchUp(recipient);
    this.#forget(channel, this.#published);
  }

  giveAtOnce({ recipients }: Channel, message: PublishedMessage, except: Recipient | undefined): void {
    for (const recipient of recipients) {
      if (recipient === except) continue;
      this.catchUp(recipient);
      recipient.outbound.share(message);
    }
  }

  /** @param isWritten whether its `flush` follows at once */
  catchUp(recipient: Recipient, isWritten = false): void {
    const { givenUpTo } = recipient;
    if (givenUpTo === this.#published) return;
    // At first: what is given may lead to a call for the same recipient.
    recipient.givenUpTo = this.#published;
    let bits = 0;
    for (let i = 0; i < this.#channels.length; i++)
      if ((this.#channels[i] as Channel).recipients.has(recipient)) bits |= 1 << i;
    if (bits === 0) return;
    let run = this.#runs.get(bits);
    if (!run || givenUpTo < run.after || givenUpTo >= run.first) {
      run = this.#runFor(bits, givenUpTo);
      if (!run) return;
      this.#runs.set(bits, run);
    }
    if (!run.excepted.has(recipient)) recipient.outbound.shareAll(run, isWritten);
    else
      for (const { message, except } of run.waiting)
        if (except !== recipient) recipient.outbound.share(message);
  }

  /**
   * Calls back when what was just published to a channel has been written for all its recipients: behind the last one where it waits for a
   * round, at the end of the tick where it was given at once. With too many that wait, it is not watched.
   */
  whenGiven(channel: Channel, done: () => void): void {
    if (!channel.waiting) {
      workSoon(new Once(done));
      return;
    }
    this.#awaited ??= [];
    if (this.#awaited.length < maxAwaited) this.#awaited.push({ channel, number: this.#published, done });
  }

  /** @returns whether something has been published since then */
  endRound(channel: Channel, upTo: number): boolean {
    this.#forget(channel, upTo);
    if (this.#awaited) this.#tellAwaited(channel, upTo);
    if (channel.waiting?.length !== 0) return true;
    channel.waiting = undefined;
    this.#channels.splice(this.#channels.indexOf(channel), 1);
    channelsWaiting--;
    return false;
  }

  get published(): number {
    return this.#published;
  }

  #tellAwaited(ended: Channel, upTo: number): void {
    const isGiven = ({ channel, number }: Awaited) => channel === ended && number <= upTo;
    const given = this.#awaited?.filter(isGiven) ?? [];
    this.#awaited = this.#awaited?.filter((one) => !isGiven(one));
    for (const { done } of given) done();
  }

  /** All recipients of the channel have been given what was published up to this number. */
  #forget(channel: Channel, upTo: number): void {
    const waiting = channel.waiting?.filter(({ number }) => number > upTo) ?? [];
    channel.waiting = waiting;
    channel.waitingBytes = waiting.reduce((sum, { message }) => sum + message.size, 0);
    this.#runs.clear();
  }

  /** Undefined if there is nothing for who has been given that much. */
  #runFor(bits: number, givenUpTo: number): CommonRun | undefined {
    const lists: Waiting[][] = [];
    let after = 0;
    for (let i = 0; i < this.#channels.length; i++) {
      const waiting = this.#channels[i]?.waiting;
      if (!waiting || (bits & (1 << i)) === 0) continue;
      let start = waiting.length;
      while (start > 0 && (waiting[start - 1] as Waiting).number > givenUpTo) start--;
      if (start > 0) after = Math.max(after, (waiting[start - 1] as Waiting).number);
      lists.push(waiting.slice(start));
    }
    const waiting = lists.length === 1 ? (lists[0] as Waiting[]) : lists.flat().sort(byNumber);
    const [first] = waiting;
    return first && commonRun(waiting, after, first.number);
  }
}

function byNumber(one: Waiting, other: Waiting): number {
  return one.number - other.number;
}

function commonRun(waiting: readonly Waiting[], after: number, first: number): CommonRun {
  const messages: PublishedMessage[] = [];
  const frames: Frame[] = [];
  const excepted = new Set<Recipient>();
  let byteLength = 0;
  let largest = 0;
  let framesLength = 0;
  for (const { message, except } of waiting) {
    if (except) excepted.add(except);
    messages.push(message);
    byteLength += message.size;
    largest = Math.max(largest, message.size);
    const frame = message.keep();
    framesLength += frame.end - frame.start;
    const before = frames.at(-1);
    if (before?.buffer === frame.buffer && before.end === frame.start)
      frames[frames.length - 1] = { ...before, end: frame.end };
    else frames.push(frame);
  }
  return { messages, byteLength, largest, frames, framesLength, waiting, after, first, excepted };
}

/** Gives all recipients of a channel what waits for them, one by one; again and again while more is published meanwhile. */
class Round implements Work {
  readonly sliceMs: number;
  readonly #fanOut: FanOut;
  readonly #channel: Channel;
  #recipients: IterableIterator<Recipient> | undefined;
  /** What had been published when the first of them was given something. */
  #upTo = 0;

  constructor(fanOut: FanOut, channel: Channel, sliceMs: number) {
    this.#fanOut = fanOut;
    this.#channel = channel;
    this.sliceMs = sliceMs;
  }

  next(): boolean {
    if (!this.#recipients) {
      this.#recipients = this.#channel.recipients.values();
      this.#upTo = this.#fanOut.published;
    }
    const { value: recipient } = this.#recipients.next();
    if (recipient) {
      this.#fanOut.catchUp(recipient, true);
      recipient.outbound.flush();
      return true;
    }
    this.#recipients = undefined;
    return this.#fanOut.endRound(this.#channel, this.#upTo);
  }
}

/** Calls back behind the writes of a tick. */
class Once implements Work {
  readonly sliceMs = 0;
  readonly #done: () => void;

  constructor(done: () => void) {
    this.#done = done;
  }

  next(): boolean {
    this.#done();
    return false;
  }
}
