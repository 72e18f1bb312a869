import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { createService } from "@spry-ws/service";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { listen } from "../fixtures/listen.ts";
import { skipped } from "../fixtures/skipped.ts";
import { clientId, WireClient } from "../fixtures/wire-client.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

const file = new URL("../../docs/public/spry-ws-dashboard.json", import.meta.url);
const dashboard: Dashboard = JSON.parse(readFileSync(file, "utf8"));
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);

const contract = defineContract({
  topics: {
    "rooms/:room": { message: z.string(), history: true },
    "lobbies/:name": { message: z.string(), presence: z.string() },
  },
});

/** The text of a server with a service, on which everything has happened that is measured. */
async function textOfServer(): Promise<string> {
  const spry = createSpryWs({ histograms: true });
  const service = createService(spry, contract, {
    topics: {
      "rooms/:room": { subscribe: true },
      "lobbies/:name": { subscribe: true, presence: (peer) => ({ key: peer.id, data: "" }) },
    },
  });
  await using server = await listen(createServer(spry.handler(service)));
  spry.attach(server.server);
  await using client = await WireClient.connect(server.url("/"));
  client.say(["h", clientId(), [["rooms/1"], ["lobbies/a"]]]);
  await client.next("s");
  await client.next("s");
  await service.publish("rooms/:room", { room: "1" }, "hello");
  service.publish("lobbies/:name", { name: "a" }, "hello");
  await client.next("m");
  await client.next("m");
  const text = spry.metricsText();
  await spry.close({ deadlineMs: 1_000 });
  return text;
}

let text: string;
/** The names of the series in the text, and the labels of each. */
const series = new Map<string, Set<string>>();

beforeAll(async () => {
  text = await textOfServer();
  for (const [, name = "", labels = ""] of text.matchAll(/^(spry_ws_\w+)(?:\{(.*)\})? /gm)) {
    const known = series.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) known.add(label);
    series.set(name, known);
  }
});

const namesIn = (query: string): string[] => query.match(/\bspry_ws_\w+/g) ?? [];

describe("the dashboard for Grafana", () => {
  it.each(queries)("asks in $title for what there is: $expr", ({ expr, legendFormat }) => {
    const names = namesIn(expr);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect([...series.keys()]).toContain(name);
    // Prometheus adds these two to all it scrapes.
    const labels = new Set(["job", "instance", ...names.flatMap((name) => [...(series.get(name) ?? [])])]);
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/,\s*/));
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
    for (const label of [...grouped, ...shown]) expect([...labels]).toContain(label);
    // A legend can only say what the query keeps.
    for (const label of shown) expect(grouped).toContain(label);
  });

  it("shows every series", () => {
    const asked = new Set(queries.flatMap(({ expr }) => namesIn(expr)));
    // The mean is shown for hooks alone, and counts are those of buckets.
    const isPart = (name: string) => /_seconds_(?:sum|count)$/.test(name);
    expect([...series.keys()].filter((name) => !asked.has(name) && !isPart(name))).toEqual([]);
  });

  it("has variables for all that its queries leave open", () => {
    const known = dashboard.templating.list.map(({ name }) => name);
    const used = JSON.stringify([dashboard.panels, dashboard.templating]).matchAll(/\$\{?([a-z]\w*)/g);
    for (const [, name] of used) expect(known).toContain(name);
    for (const name of dashboard.templating.list.flatMap(({ query }) => namesIn(JSON.stringify(query))))
      expect([...series.keys()]).toContain(name);
  });

  it("has no two panels with the same number, or in the same place", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});

/** Why it cannot be asked; false if it can. With REQUIRE_PROMTOOL=1 that is an error. */
function missingPromtool(): string | false {
  if (!spawnSync("promtool", ["--version"]).error) return false;
  return skipped("promtool is not installed: apt-get install prometheus", "REQUIRE_PROMTOOL");
}

describe.skipIf(missingPromtool())("promtool", () => {
  it("understands every query", () => {
    const rules = queries.map(({ expr }, index) => ({
      record: `query_${index}`,
      expr: expr.replaceAll("$__rate_interval", "5m"),
    }));
    const folder = mkdtempSync(join(tmpdir(), "spry-ws-rules-"));
    const path = join(folder, "rules.yml");
    // JSON is YAML.
    writeFileSync(path, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", path], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    expect(stderr + stdout).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(status).toBe(0);
  });

  it("reads the text, and finds nothing wrong with a histogram", () => {
    const { status, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    expect(stderr).not.toMatch(/error|histogram|_seconds/i);
    // 3: it would write something else, and reads all of it.
    expect([0, 3]).toContain(status);
  });
});
