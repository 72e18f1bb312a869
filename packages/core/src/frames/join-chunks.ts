/**
 * Joins the chunks from `from` on, and with them those before that are no larger. So each byte is copied a few times at most,
 * however long a frame is and in however small pieces it comes: to join all anew each time would cost the square of its length.
 *
 * @returns how many chunks there are now, none of which has to be joined with those before it
 */
export function joinRecent(chunks: Buffer[], from: number): number {
  let size = 0;
  for (let i = from; i < chunks.length; i++) size += (chunks[i] as Buffer).length;
  let start = from;
  while (start > 0 && (chunks[start - 1] as Buffer).length <= size)
    size += (chunks[--start] as Buffer).length;
  chunks.push(Buffer.concat(chunks.splice(start), size));
  return chunks.length;
}
