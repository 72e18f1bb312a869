import { readFileSync } from "node:fs";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { Instance } from "@spry-ws/core/adapter";
import { createService } from "@spry-ws/service";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const everything = defineContract({
  topics: {
    kept: { message: z.string(), history: true },
    seen: { message: z.string(), presence: z.string() },
  },
});

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The part of a page from one heading to the next of its level. */
function section(page: string, heading: string): string {
  const text = read(page);
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`${page} has no "${heading}"`);
  const level = heading.slice(0, heading.indexOf(" ") + 1);
  const end = text.indexOf(`\n${level}`, start + 1 + heading.length);
  return text.slice(start, end < 0 ? undefined : end);
}

/** The options of an instance, groups of them as `group.name`. */
function flatten(options: object): Map<string, unknown> {
  return new Map(
    Object.entries(options).flatMap(([name, value]) =>
      typeof value === "object" && value !== null
        ? Object.entries(value).map(([key, inner]) => [`${name}.${key}`, inner] as [string, unknown])
        : [[name, value] as [string, unknown]],
    ),
  );
}

describe("the page with the options", () => {
  const options = (given = {}): object => Reflect.get(createSpryWs(given), "options");
  // What is off by default, and then what it has when it is on.
  const limitedBy = (rateLimit: object) => flatten(options({ rateLimit })).get("rateLimit.messages");
  const expected = new Map([
    ...flatten(options({ rateLimit: { messages: 1 }, perMessageDeflate: true, histograms: true })),
    ["rateLimit.messages", limitedBy({ bytes: 1 })],
    ...flatten(options()),
  ]);
  const written = new Map(
    [...read("docs/reference/options.md").matchAll(/^\| `([\w.]+)` \| (.+?) \|/gm)].map(
      ([, name = "", value = ""]) => [name, value],
    ),
  );

  it.each([...expected])("has %s with its default %o", (name, value) => {
    expect(written.get(name)?.replaceAll("_", "")).toBe(`\`${JSON.stringify(value)}\``);
  });

  it("has no other option but those without a value by default", () => {
    const others = [...written.keys()].filter((name) => !expected.has(name));
    expect(others.sort()).toEqual(["backplane", "onError", "path"]);
  });
});

/** The codes of a package with their classes, as its source declares them. */
function errorsOf(name: string): [code: string, className: string][] {
  const source = read(`packages/${name}/src/errors.ts`);
  return [...source.matchAll(/^ {2}(SPRY_WS_\w+): "(\w+)",$/gm)].map(([, code = "", name = ""]) => [
    code,
    name,
  ]);
}

describe.each([
  { page: "docs/reference/errors.md", name: "core" },
  { page: "packages/core/README.md", name: "core" },
  { page: "packages/testing/README.md", name: "testing" },
])("the table with the errors of $name in $page", ({ page, name }) => {
  it("has every code with its class, in the order of the source", () => {
    const errors = errorsOf(name);
    expect(errors.length).toBeGreaterThan(5);
    const table = [...read(page).matchAll(/^\| \[?`(SPRY_WS_\w+)`(?:\]\(\S+\))? \| (\w+) \|/gm)];
    expect(table.map(([, code, name]) => [code, name])).toEqual(errors);
  });
});

describe("the page with the errors", () => {
  it("says of every code what to do, and of no other", () => {
    const headings = [...read("docs/reference/errors.md").matchAll(/^## (SPRY_WS_\w+)$/gm)];
    expect(headings.map(([, code]) => code)).toEqual(errorsOf("core").map(([code]) => code));
  });
});

describe("the page on observability", () => {
  const page = "docs/guide/observability.md";
  const metrics = createSpryWs().metrics();

  it("has every metric", () => {
    const table = section(page, "## Metrics").split("| `refused.…`", 1)[0] ?? "";
    const names = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect(names.sort()).toEqual(Object.keys(metrics).sort());
  });

  it.each(["refused", "terminated"] as const)("has every reason of %s", (group) => {
    const [, table = ""] = section(page, "## Metrics").split(`| \`${group}.…\``);
    const [rows = ""] = table.split("\n\n", 1);
    const names = [...rows.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(names).toEqual(Object.keys(metrics[group]));
  });

  it("has every series", () => {
    const names = [...section(page, "## Prometheus").matchAll(/`(spry_ws_\w+)/g)].map(([, name]) => name);
    const series = createSpryWs()
      .metricsText()
      .matchAll(/^(spry_ws_\w+)/gm);
    expect(names.sort()).toEqual([...new Set([...series].map(([, name]) => name))].sort());
  });

  it("has every histogram", () => {
    const { histograms } = new Instance({ histograms: true }, "test", console.error);
    histograms?.timed({ open() {} }, {}).open?.({} as never);
    histograms?.handshake({}, "accepted", 1);
    histograms?.delivered(1);
    const rows = [...section(page, "## Histograms").matchAll(/^\| `(spry_ws_\w+)` \| (.*?) \|/gm)];
    expect(
      rows
        .map(([, name, labels = ""]) => [
          name,
          [...labels.matchAll(/`(route|hook|outcome)`/g)].map(([, one]) => one),
        ])
        .sort(),
    ).toEqual(histograms?.snapshot().map(({ name, labels }) => [`spry_ws_${name}`, Object.keys(labels)]));
  });

  it("has every metric and series of services", () => {
    const spry = createSpryWs();
    createService(spry, everything, {
      topics: { kept: { subscribe: true }, seen: { subscribe: true, presence: () => undefined } },
    });
    const text = section(page, "## Services");
    const rows = [...text.matchAll(/^\| `(\w+)` \| `(\w+)` \|/gm)];
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(spry.metrics().service));
    const series = [...spry.metricsText().matchAll(/^(spry_ws_service_\w+)/gm)];
    expect(rows.map(([, , name]) => name)).toEqual(series.map(([, name]) => name));
  });

  it("has every diagnostics channel", () => {
    const pattern = /`?(spry-ws:\w+)/g;
    const names = (text: string) => new Set([...text.matchAll(pattern)].map(([, name]) => name));
    expect(names(section(page, "## Diagnostics channels"))).toEqual(
      names(read("packages/core/src/observe/channels.ts")),
    );
  });
});
