import type { HistoryPage, HistoryPosition, HistoryRead } from "@spry-ws/core";
import type { Log } from "./log.ts";
import { positionOf, type Stored } from "./stored.ts";

/** A part of a log, before it is known of which stream it is. */
interface Found {
  readonly head: Stored | undefined;
  readonly messages: readonly Stored[];
  readonly isContinuous: boolean;
  /** The message of the position was found: then this is the log that the position is of. */
  readonly isProven: boolean;
}

/** What the reader needs of its link. */
export interface ReaderLink {
  readonly log: Log;
  readonly epoch: string;
  /** Resolves if the stream was still that of the epoch when it was called, or later. */
  confirm(epoch: string): Promise<void>;
  /** Messages in front of that with this number may be removed. */
  aged(subject: string, seq: number): void;
}

/** @param link throws where the stream is another one meanwhile */
export async function readPage(link: ReaderLink, subject: string, what: HistoryRead): Promise<HistoryPage> {
  const { epoch } = link;
  const found = await find(link.log, subject, what, epoch);
  if (!found.isProven) await link.confirm(epoch);
  const { messages, isContinuous } = await withoutAged(link, subject, what, found);
  const last = messages.at(-1);
  const head = !found.head || (last && last.seq > found.head.seq) ? last : found.head;
  return {
    entries: messages.map((stored) => ({ position: positionOf(epoch, stored), data: stored.data })),
    isContinuous,
    head: positionOf(epoch, head),
    hasMore: last !== undefined && head !== undefined && last.seq < head.seq,
  };
}

/** A page of a log from a number on. @param extra how many messages more than asked for */
type Range = (first: number, extra?: number) => Promise<Stored[]> | Stored[];

/** So many messages in front of those wanted are read too, or a quarter of them, rather than to look on for the first one. */
const maxSkipped = 16;

async function find(log: Log, subject: string, what: HistoryRead, epoch: string): Promise<Found> {
  const { from, maxMessages, maxBytes } = what;
  const head = await log.last(subject);
  const range: Range = (first, extra = 0) =>
    head ? log.range(subject, first, head.seq, maxMessages + extra, maxBytes) : [];
  if (from === "start") return { head, messages: await range(1), isContinuous: true, isProven: false };
  if ("last" in from) {
    const messages = head && from.last > 0 ? await lastOf(log, subject, head.seq, from.last, range) : [];
    return { head, messages, isContinuous: true, isProven: false };
  }
  return behind(from, epoch, head, range);
}

async function behind(
  from: HistoryPosition,
  epoch: string,
  head: Stored | undefined,
  range: Range,
): Promise<Found> {
  const gap = async () => ({ head, messages: await range(1), isContinuous: false, isProven: false });
  if (from.epoch !== epoch || !Number.isSafeInteger(from.seq) || from.seq < 0) return gap();
  if (from.seq === 0) {
    if (from.tag !== "") return gap();
    const messages = await range(1);
    const isContinuous = messages[0]?.isFirst ?? true;
    return { head, messages, isContinuous, isProven: false };
  }
  if (!head || from.seq > head.seq) return gap();
  if (from.seq === head.seq)
    return from.tag === head.tag ? { head, messages: [], isContinuous: true, isProven: true } : gap();
  const [first, ...others] = await range(from.seq, 1);
  // It is the oldest first that are removed: with this message all behind it are there.
  if (first?.seq !== from.seq || first.tag !== from.tag) return gap();
  // The message of the position alone may have filled the page.
  const messages = others.length > 0 ? others : await range(from.seq + 1);
  return { head, messages, isContinuous: true, isProven: true };
}

/** Leaves out what is too old, which is removed only from time to time. */
async function withoutAged(
  link: ReaderLink,
  subject: string,
  { maxMessages, maxBytes, from }: HistoryRead,
  { messages, isContinuous, head }: Found,
): Promise<{ messages: readonly Stored[]; isContinuous: boolean }> {
  const now = Date.now();
  const isAged = ({ expiresAt }: Stored) => expiresAt <= now;
  const last = messages.at(-1);
  if (!head || !last || !messages.some(isAged)) return { messages, isContinuous };
  const removable = messages.findLast(({ removableAt }) => removableAt <= now);
  if (removable) link.aged(subject, removable.seq);
  const isPosition = typeof from === "object" && !("last" in from);
  const young = (found: readonly Stored[]) => ({
    messages: found.slice(found.findLastIndex(isAged) + 1),
    isContinuous: isContinuous && !isPosition,
  });
  if (!isAged(last) || isAged(head)) return young(messages);
  const first = await firstYoung(link.log, subject, last.seq, head.seq, isAged);
  return young(await link.log.range(subject, first, head.seq, maxMessages, maxBytes));
}

/** A number behind which a subject has only messages that are not too old. @param low of one that is @param high of one that is not */
async function firstYoung(
  log: Log,
  subject: string,
  low: number,
  high: number,
  isAged: (stored: Stored) => boolean,
): Promise<number> {
  let [aged, young] = [low, high];
  while (young - aged > 1) {
    const middle = aged + Math.floor((young - aged) / 2);
    const next = await log.next(subject, middle);
    if (next && isAged(next)) aged = next.seq;
    else young = middle;
  }
  return young;
}

/** The first page of the last `wanted` messages. */
async function lastOf(
  log: Log,
  subject: string,
  head: number,
  wanted: number,
  range: Range,
): Promise<Stored[]> {
  let { first, skipped } = await firstOfLast(log, subject, head, wanted);
  for (;;) {
    const messages = await range(first, skipped);
    const last = messages.at(-1);
    if (!last || messages.length > skipped) return messages.slice(skipped);
    // What is skipped has filled the page.
    skipped -= messages.length;
    first = last.seq + 1;
  }
}

/**
 * The number from which on a subject has the last `wanted` messages, and how many it has in front of them. JetStream tells how many
 * there are from a number on, but not the number of one counted from the end: so it is looked for between numbers with too few and too
 * many, first where it would be if the messages of the topic were spread evenly over the stream.
 */
async function firstOfLast(
  log: Log,
  subject: string,
  head: number,
  wanted: number,
): Promise<{ first: number; skipped: number }> {
  if (wanted === 1) return { first: head, skipped: 0 };
  let [low, lowCount] = [1, await log.count(subject, 1)];
  let [high, highCount] = [head, 1];
  const enough = wanted + Math.max(maxSkipped, wanted / 4);
  for (let turn = 0; lowCount > enough && high - low > 1; turn++) {
    const share = turn % 3 === 2 ? 0.5 : (lowCount - enough) / (lowCount - highCount);
    const middle = Math.min(high - 1, Math.max(low + 1, low + Math.floor((high - low) * share)));
    const count = await log.count(subject, middle);
    if (count >= wanted) [low, lowCount] = [middle, count];
    else [high, highCount] = [middle, count];
  }
  return { first: low, skipped: Math.max(0, lowCount - wanted) };
}
