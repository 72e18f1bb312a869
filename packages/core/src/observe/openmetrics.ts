import { type ExtraMetric, familyOf } from "./extra-metrics.ts";
import type { HistogramMetric } from "./histograms.ts";
import type { Metrics } from "./metrics.ts";

/** The media type of `metricsText()`, for the response's `Content-Type`. */
export const metricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Family = readonly [
  name: string,
  type: "gauge" | "counter",
  help: string,
  read: (metrics: Metrics) => number | Labelled,
];

type Labelled = { readonly label: string; readonly values: Readonly<Record<string, number>> };

const families: readonly Family[] = [
  ["spry_ws_peers", "gauge", "Open peers", (m) => m.peers],
  ["spry_ws_pending_handshakes", "gauge", "Handshakes under way", (m) => m.pendingHandshakes],
  ["spry_ws_topics", "gauge", "Topics with a subscriber", (m) => m.topics],
  ["spry_ws_listeners", "gauge", "Listeners of the process itself", (m) => m.listeners],
  ["spry_ws_buffered_bytes", "gauge", "Bytes that wait to be sent", (m) => m.bufferedBytes],
  ["spry_ws_handshakes_accepted", "counter", "Accepted handshakes", (m) => m.accepted],
  [
    "spry_ws_handshakes_refused",
    "counter",
    "Refused handshakes",
    (m) => ({ label: "reason", values: m.refused }),
  ],
  ["spry_ws_handshakes_aborted", "counter", "Clients gone during the handshake", (m) => m.aborted],
  ["spry_ws_handshakes_forwarded", "counter", "Handshakes left to other listeners", (m) => m.forwarded],
  ["spry_ws_messages_received", "counter", "Messages from clients", (m) => m.messagesReceived],
  ["spry_ws_received_bytes", "counter", "Payload bytes from clients", (m) => m.bytesReceived],
  ["spry_ws_messages_sent", "counter", "Messages to clients", (m) => m.messagesSent],
  ["spry_ws_sent_bytes", "counter", "Payload bytes to clients", (m) => m.bytesSent],
  [
    "spry_ws_messages_dropped",
    "counter",
    "Messages not sent because the buffer was full",
    (m) => m.messagesDropped,
  ],
  [
    "spry_ws_terminated",
    "counter",
    "Connections the server ended",
    (m) => ({ label: "reason", values: m.terminated }),
  ],
  [
    "spry_ws_backplane_connected",
    "gauge",
    "Whether the backplane can be reached",
    (m) => Number(m.backplaneConnected),
  ],
  [
    "spry_ws_backplane_buffered_bytes",
    "gauge",
    "Bytes that wait for the backplane",
    (m) => m.backplaneBufferedBytes,
  ],
  [
    "spry_ws_backplane_published",
    "counter",
    "Messages published to other processes",
    (m) => m.backplanePublished,
  ],
  ["spry_ws_backplane_received", "counter", "Messages from other processes", (m) => m.backplaneReceived],
  [
    "spry_ws_backplane_dropped",
    "counter",
    "Messages that did not go to other processes",
    (m) => m.backplaneDropped,
  ],
];

/**
 * Renders a snapshot in the OpenMetrics text format, which Prometheus scrapes (https://prometheus.io/docs/specs/om/).
 *
 * @param extra what works above core has to add
 */
export function renderOpenMetrics(metrics: Metrics, extra: readonly ExtraMetric[]): string {
  const lines = families.flatMap(([name, type, help, read]) => family(name, type, help, read(metrics)));
  const extraLines = extra.flatMap((one) => family(familyOf(one), one.type, one.help, one.value));
  return `${[...lines, ...extraLines, ...histogramLines(metrics.histograms)].join("\n")}\n# EOF\n`;
}

function family(name: string, type: Family[1], help: string, value: number | Labelled): readonly string[] {
  const sample = type === "counter" ? `${name}_total` : name;
  const samples =
    typeof value === "number"
      ? [`${sample} ${value}`]
      : Object.entries(value.values).map(([of, count]) => `${sample}{${value.label}="${of}"} ${count}`);
  return [`# TYPE ${name} ${type}`, `# HELP ${name} ${help}.`, ...samples];
}

const histogramHelp: Readonly<Record<HistogramMetric["name"], string>> = {
  hook_seconds: "How long hooks took until they had settled",
  handshake_seconds: "How long handshakes took until they were answered",
  delivery_seconds: "From publish until it was written to the last subscriber in this process",
};

function histogramLines(histograms: readonly HistogramMetric[]): readonly string[] {
  const lines: string[] = [];
  let before = "";
  for (const { name, labels, bounds, counts, sum } of histograms) {
    const family = `spry_ws_${name}`;
    if (name !== before) lines.push(`# TYPE ${family} histogram`, `# HELP ${family} ${histogramHelp[name]}.`);
    before = name;
    for (const [at, bound] of bounds.entries()) {
      const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : bound;
      lines.push(`${family}_bucket${labelsOf({ ...labels, le: String(le) })} ${counts[at]}`);
    }
    lines.push(
      `${family}_sum${labelsOf(labels)} ${sum}`,
      `${family}_count${labelsOf(labels)} ${counts.at(-1)}`,
    );
  }
  return lines;
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}

/** A route is what the user has written, a RegExp too. */
function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
