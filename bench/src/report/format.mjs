// Numbers for people.

const round = (value) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

function scaled(value, base, suffixes) {
  let scale = 0;
  while (value >= base && scale < suffixes.length - 1) {
    value /= base;
    scale++;
  }
  return `${scale === 0 ? Math.round(value) : round(value)}${suffixes[scale]}`;
}

/** @param {"count" | "µs" | "ms" | "bytes"} unit */
export function formatFigure(value, unit) {
  if (!Number.isFinite(value)) return "";
  if (unit === "count") return scaled(value, 1_000, ["", " k", " M", " G"]);
  if (unit === "bytes") return scaled(value, 1_024, [" B", " KiB", " MiB"]);
  return unit === "ms" && value < 1 ? `${Math.round(value * 1_000)} µs` : `${round(value)} ${unit}`;
}

/** @param {number | undefined} value */
export function formatRatio(value) {
  if (value === undefined || !Number.isFinite(value)) return "";
  return `${value < 0.095 ? value.toPrecision(2) : round(value)} ×`;
}

/** @param {number | undefined} share of 1 */
export function formatShare(share) {
  return share === undefined ? "" : `${Math.round(share * 100)} %`;
}

/** Columns as wide as they must be; the first is set left, the others right. */
export function formatTable(rows) {
  const widths = rows[0].map((_cell, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}
