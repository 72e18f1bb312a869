/** One number of what works above core, in `metrics()` and in the text for Prometheus. */
export interface ExtraMetric {
  /** As in `metrics().service`: "durableTopics" is `spry_ws_service_durable_topics` in the text. */
  readonly name: string;
  readonly type: "gauge" | "counter";
  /** Without a full stop. */
  readonly help: string;
  readonly value: number;
  /** What several of the same instance are together. @default "sum" */
  readonly together?: "sum" | "max";
}

/** One metric of each name. */
export function combine(metrics: Iterable<ExtraMetric>): readonly ExtraMetric[] {
  const byName = new Map<string, ExtraMetric>();
  for (const metric of metrics) {
    const { name, value, together } = metric;
    const before = byName.get(name)?.value ?? 0;
    byName.set(name, { ...metric, value: together === "max" ? Math.max(before, value) : before + value });
  }
  return [...byName.values()];
}

/** The name of its family for Prometheus. */
export function familyOf({ name }: ExtraMetric): string {
  return `spry_ws_service_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}
