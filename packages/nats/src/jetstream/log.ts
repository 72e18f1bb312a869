import { randomBytes } from "node:crypto";
import type { NatsMessageLike } from "../types.ts";
import { type Api, encode } from "./api.ts";
import { Refused } from "./explain.ts";
import { type Stored, storedOf } from "./stored.ts";

/** How many messages behind one another are read one by one, before a consumer is made for the others. */
const fewMessages = 3;

/** Of how many subjects the last message is asked for at the same time. */
const lastAtOnce = 256;

/** What is read at once at most, whatever is asked for: the server ends a connection that has more than 64 MB to take. */
const most = { messages: 10_000, bytes: 8_388_608 };

const messageNotFound = 10_037;

interface Scan {
  readonly messages: Stored[];
  /** How many more there are behind them; undefined where the server cannot say. */
  pending: number | undefined;
}

/** Reads the messages of one subject. */
export class Log {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** The last message of a subject, as the leader of the stream knows it. */
  last(subject: string): Promise<Stored | undefined> {
    return this.#get({ last_by_subj: subject });
  }

  /** As `last`, for many subjects, from any replica: it may be a few milliseconds behind. */
  async lastOfEach(subjects: readonly string[]): Promise<(Stored | undefined)[]> {
    const found: (Stored | undefined)[] = [];
    const left = subjects.entries();
    const ask = async () => {
      for (const [index, subject] of left) found[index] = await this.#lastAnywhere(subject);
    };
    await Promise.all(Array.from({ length: Math.min(lastAtOnce, subjects.length) }, ask));
    return found;
  }

  /** The first message of a subject from a number on. */
  async next(subject: string, from: number): Promise<Stored | undefined> {
    const [message] = (await this.#scan(subject, from, 1, most.bytes)).messages;
    return message ?? (await this.#get({ seq: from, next_by_subj: subject }));
  }

  /**
   * The messages of a subject from a number on, not beyond `until`, the number of one that is there. Has one if there is one; others
   * may follow even where there are fewer than asked for.
   */
  async range(
    subject: string,
    from: number,
    until: number,
    maxMessages: number,
    maxBytes: number,
  ): Promise<Stored[]> {
    const count = Math.min(maxMessages, most.messages);
    let bytes = Math.min(maxBytes, most.bytes);
    const { messages, pending } = await this.#scan(subject, from, count, bytes);
    if (messages.length === 0) {
      // The replica that was asked may not have it yet, or its size is more than a page's.
      const message = await this.#get({ seq: from, next_by_subj: subject });
      if (message) messages.push(message);
    }
    for (const { data } of messages) bytes -= data.byteLength;
    while (pending === undefined) {
      const last = messages.at(-1);
      if (!last || last.seq >= until || messages.length >= count || bytes <= 0) break;
      if (messages.length >= fewMessages) {
        messages.push(...(await this.#consume(subject, last.seq + 1, count - messages.length, bytes)));
        break;
      }
      const message = await this.next(subject, last.seq + 1);
      if (!message) break;
      messages.push(message);
      bytes -= message.data.byteLength;
    }
    return messages;
  }

  /** How many messages a subject has from a number on. */
  async count(subject: string, from: number): Promise<number> {
    const { messages, pending } = await this.#scan(subject, from, 1, most.bytes);
    if (pending !== undefined) return messages.length + pending;
    const { name, count } = await this.#createConsumer(subject, from);
    this.#deleteConsumer(name);
    return count;
  }

  async #lastAnywhere(subject: string): Promise<Stored | undefined> {
    const body = encode({ last_by_subj: subject });
    const message = await this.#api.requests.request(this.#api.subject("DIRECT.GET"), body);
    return message.headers?.code ? undefined : direct(message);
  }

  /**
   * Servers from 2.11 on answer with several messages and then with an end; older ones with one, without `Nats-Num-Pending`.
   * https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
   */
  async #scan(subject: string, from: number, batch: number, maxBytes: number): Promise<Scan> {
    const scan: Scan = { messages: [], pending: undefined };
    const body = encode({ seq: from, next_by_subj: subject, batch, max_bytes: maxBytes });
    await this.#api.requests.collect(this.#api.subject("DIRECT.GET"), body, (message) => {
      const pending = message.headers?.get("Nats-Num-Pending");
      if (pending) scan.pending = Number(pending);
      if (message.headers?.code) return true;
      scan.messages.push(direct(message));
      return !pending;
    });
    return scan;
  }

  async #consume(subject: string, from: number, batch: number, maxBytes: number): Promise<Stored[]> {
    const { name, count } = await this.#createConsumer(subject, from);
    const wanted = Math.min(batch, count);
    const messages: Stored[] = [];
    try {
      if (wanted === 0) return messages;
      const body = encode({ batch: wanted, max_bytes: maxBytes, no_wait: true });
      await this.#api.requests.deliver(this.#api.subject("CONSUMER.MSG.NEXT", name), body, (message) => {
        if (message.headers?.code && message.data.length === 0) return true;
        messages.push(consumed(message));
        return messages.length >= wanted;
      });
      return messages;
    } finally {
      this.#deleteConsumer(name);
    }
  }

  /** @returns its name, and how many messages it has to deliver */
  async #createConsumer(subject: string, from: number): Promise<{ name: string; count: number }> {
    const name = randomBytes(9).toString("base64url");
    const { num_pending: count } = await this.#api.call<{ num_pending: number }>(
      this.#api.subject("CONSUMER.CREATE", `${name}.${subject}`),
      {
        stream_name: this.#api.stream,
        config: {
          name,
          filter_subject: subject,
          deliver_policy: "by_start_sequence",
          opt_start_seq: from,
          ack_policy: "none",
          // The server removes it where this process is killed.
          inactive_threshold: 5_000_000_000,
          mem_storage: true,
          num_replicas: 1,
        },
      },
    );
    return { name, count };
  }

  #deleteConsumer(name: string): void {
    this.#api.requests.tell(this.#api.subject("CONSUMER.DELETE", name));
  }

  async #get(query: object): Promise<Stored | undefined> {
    try {
      const { message } = await this.#api.call<{ message: LeaderMessage }>(
        this.#api.subject("STREAM.MSG.GET"),
        query,
      );
      return fromLeader(message);
    } catch (error) {
      if (error instanceof Refused && error.errorCode === messageNotFound) return undefined;
      throw error;
    }
  }
}

/** A message in an answer of `STREAM.MSG.GET`: headers and data are in Base64. */
interface LeaderMessage {
  readonly seq: number;
  readonly time: string;
  readonly hdrs?: string;
  readonly data?: string;
}

function fromLeader({ seq, time, hdrs = "", data = "" }: LeaderMessage): Stored {
  const lines = Buffer.from(hdrs, "base64").toString().split("\r\n");
  const header = (name: string) =>
    lines
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  return storedOf(seq, Date.parse(time), Buffer.from(data, "base64"), header);
}

function direct({ data, headers }: NatsMessageLike): Stored {
  const header = (name: string) => headers?.get(name);
  return storedOf(Number(header("Nats-Sequence")), Date.parse(header("Nats-Time-Stamp") ?? ""), data, header);
}

/**
 * Where to a consumer's message is acknowledged says which one it is: `$JS.ACK.stream.consumer.delivered.seq.delivered.time.pending`,
 * or from `$JS.ACK.domain.account.stream` on with a last part more.
 */
function consumed({ reply = "", data, headers }: NatsMessageLike): Stored {
  const parts = reply.split(".");
  const at = parts.length > 9 ? 7 : 5;
  const nanoseconds = BigInt(parts[at + 2] ?? 0);
  return storedOf(Number(parts[at]), Number(nanoseconds / 1_000_000n), data, (name) => headers?.get(name));
}
