// The report as a chart: a panel of horizontal bars for each of the main scenes.
import { byVersion } from "../node-versions.mjs";
import { formatFigure, formatRatio } from "./format.mjs";

/** In this order, first measure of each. */
const MAIN_SCENES = [
  "echo",
  "burst",
  "room",
  "echo-16k",
  "deflate",
  "handshakes",
  "idle",
  "cluster",
  "direct",
  "latency",
];

const layout = {
  width: 1_200,
  margin: 32,
  gap: 40,
  header: 84,
  row: 24,
  title: 58,
  labels: 190,
  figures: 130,
};
const colors = {
  paper: "#ffffff",
  edge: "#d0d7de",
  text: "#1f2328",
  quiet: "#59636e",
  ours: "#0969da",
  limit: "#afb8c1",
  other: "#8c959f",
};

const escapeXml = (text) => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);

function text(x, y, content, { size = 13, color = colors.text, weight = 400, anchor = "start" } = {}) {
  return (
    `<text x="${x}" y="${y}" font-size="${size}" fill="${color}" font-weight="${weight}" ` +
    `text-anchor="${anchor}">${escapeXml(content)}</text>`
  );
}

/** Of a run with several versions of Node the first. @returns {string} an SVG document */
export function renderChart({ machine, contestants, rounds, quick, scenes: all }) {
  const [{ node, items: scenes }] = byVersion(all);
  const panelWidth = (layout.width - 2 * layout.margin - layout.gap) / 2;
  const heights = [layout.header, layout.header];
  const panels = MAIN_SCENES.flatMap((name) => {
    const scene = scenes.find((candidate) => candidate.name === name);
    const rows = scene ? rowsOf(scene) : [];
    if (rows.length === 0) return [];
    // Into the column that is shorter so far.
    const column = heights[0] <= heights[1] ? 0 : 1;
    const x = layout.margin + column * (panelWidth + layout.gap);
    const y = heights[column];
    heights[column] += layout.title + rows.length * layout.row + 28;
    return renderPanel(scene, rows, x, y, panelWidth);
  });

  const footer = footerLines({ machine, contestants, rounds, quick, node: node ?? machine.node });
  const bottom = Math.max(...heights);
  const height = bottom + footer.length * 20 + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" width="${layout.width}" height="${height}" ` +
      'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
    `<rect x="0.5" y="0.5" width="${layout.width - 1}" height="${height - 1}" rx="10" fill="${colors.paper}" stroke="${colors.edge}"/>`,
    text(layout.margin, 42, "spry-ws beside other WebSocket servers", { size: 22, weight: 600 }),
    text(
      layout.margin,
      64,
      "×: the figure divided by that of spry-ws in the same run; with several, that on node:http, or over Redis",
      {
        color: colors.quiet,
      },
    ),
    ...panels,
    ...footer.map((line, i) =>
      text(layout.margin, bottom + 16 + i * 20, line, { size: 12, color: colors.quiet }),
    ),
    "</svg>",
    "",
  ].join("\n");
}

function rowsOf({ measures: [{ key, better }], results }) {
  const rows = results.filter(({ median }) => Number.isFinite(median?.[key]));
  return rows.sort((a, b) => (a.median[key] - b.median[key]) * (better === "less" ? 1 : -1));
}

function renderPanel(
  { title, load, measures: [{ key, unit, better, label }], results, ours: ourName },
  rows,
  x,
  y,
  width,
) {
  const ours = results.find(({ name }) => name === ourName)?.median?.[key];
  const most = Math.max(...rows.map(({ median }) => median[key]));
  const barsFrom = x + layout.labels;
  const barsWidth = width - layout.labels - layout.figures;
  return [
    text(x, y + 18, title, { size: 14, weight: 600 }),
    text(x + width, y + 18, `${label}, ${better} is better`, {
      size: 12,
      color: colors.quiet,
      anchor: "end",
    }),
    text(x, y + 38, load, { size: 12, color: colors.quiet }),
    ...rows.flatMap(({ name, label, median }, i) => {
      const top = y + layout.title - 8 + i * layout.row;
      const isOurs = name.startsWith("spry-");
      const color = isOurs ? colors.ours : name === "net" ? colors.limit : colors.other;
      const barWidth = Math.max(2, (median[key] / most) * barsWidth).toFixed(1);
      const figure = `${formatFigure(median[key], unit)} · ${formatRatio(median[key] / ours)}`;
      const baseline = top + 13;
      return [
        text(barsFrom - 10, baseline, label, { anchor: "end", weight: isOurs ? 600 : 400 }),
        `<rect x="${barsFrom}" y="${top}" width="${barWidth}" height="17" rx="3" fill="${color}"/>`,
        text(barsFrom + Number(barWidth) + 8, baseline, figure, { size: 12, weight: isOurs ? 600 : 400 }),
      ];
    }),
  ];
}

function footerLines({ machine, contestants, rounds, quick, node }) {
  const versions = byVersion(contestants)[0].items.flatMap(({ name, label, version }) =>
    version && name !== "net" && name !== "ws-no-takeover" ? [`${label} ${version}`] : [],
  );
  const middle = Math.ceil(versions.length / 2);
  return [
    `${machine.date.slice(0, 10)} · ${machine.cpu}, ${machine.cores} cores · ${machine.system} · Node ${node} · ` +
      `${machine.pinning} · ${quick ? "quick run, " : ""}median of ${rounds} ${rounds === 1 ? "round" : "rounds"}`,
    versions.slice(0, middle).join(" · "),
    versions.slice(middle).join(" · "),
  ];
}
