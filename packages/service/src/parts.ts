/**
 * Divides a list, in order, so that no part is larger than `maxSize`, but one of a single item may be. No part is empty; an empty list has
 * none.
 */
export function inParts<T>(items: readonly T[], maxSize: number, sizeOf: (item: T) => number): T[][] {
  const parts: T[][] = [];
  let size = 0;
  for (const item of items) {
    const itemSize = sizeOf(item);
    const last = parts.at(-1);
    if (last && size + itemSize <= maxSize) {
      last.push(item);
      size += itemSize;
    } else {
      parts.push([item]);
      size = itemSize;
    }
  }
  return parts;
}
