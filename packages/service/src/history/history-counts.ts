/** Counts what happens to the durable topics of a service. */
export class HistoryCounts {
  published = 0;
  notPublished = 0;
  maybePublished = 0;
  reads = 0;
  retries = 0;
  gaps = 0;
  slow = 0;

  /** A publish has settled. */
  settled(error?: unknown): void {
    if (error === undefined) this.published++;
    else if (Object(error).code === "SPRY_WS_MAYBE_PUBLISHED") this.maybePublished++;
    else this.notPublished++;
  }
}
