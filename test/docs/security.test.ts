import { readFileSync } from "node:fs";
import { createSpryWs } from "@spry-ws/core";
import { describe, expect, it } from "vitest";

/** The options of an instance that was given none. */
const defaults: object = Reflect.get(createSpryWs(), "options");

/** Options that are no bounds. */
const others = ["perMessageDeflate", "path", "backplane", "onError"];

/** `| `name` | `default` …` of the tables in a document. */
function rows(path: string): Map<string, string> {
  const text = readFileSync(new URL(path, import.meta.url), "utf8");
  return new Map(
    [...text.matchAll(/^\| `([\w.]+)` \| `([^`]+)`/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}

function flatten(options: object): [string, unknown][] {
  return Object.entries(options).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([key, inner]) => [`${name}.${key}`, inner] as [string, unknown])
      : [[name, value] as [string, unknown]],
  );
}

describe("the table of bounds in SECURITY.md", () => {
  const table = rows("../../SECURITY.md");
  const noBounds = [...others, "shutdown.code", "shutdown.reason", "shutdown.jitterMs"];
  const bounds = flatten(defaults).filter(([name]) => !noBounds.includes(name));

  it.each(bounds)("has %s with its default %o", (name, value) => {
    const written = typeof value === "string" ? JSON.stringify(value) : String(value);
    expect(table.get(name)?.replaceAll("_", "")).toBe(written);
  });

  it("has no other option", () => {
    expect([...table.keys()].sort()).toEqual(bounds.map(([name]) => name).sort());
  });
});

describe("the table of options in the README of core", () => {
  it("has every option, and no other", () => {
    const text = readFileSync(new URL("../../packages/core/README.md", import.meta.url), "utf8");
    const section = text.slice(text.indexOf("## Options"), text.indexOf("## Errors"));
    const names = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual([...new Set([...Object.keys(defaults), ...others])].sort());
  });
});
