import { readFileSync } from "node:fs";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { createService } from "@spry-ws/service";
import { describe, expect, it } from "vitest";

/** The options of an instance that was given none. */
const defaults: object = Reflect.get(createSpryWs(), "options");

/** Options that are no bounds. */
const others = ["perMessageDeflate", "path", "backplane", "onError", "releaseRequest"];

const security = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");

/** The text below a heading, up to the next one. */
function below(heading: string): string {
  const from = security.indexOf(`${heading}\n`) + heading.length;
  return security.slice(from, security.indexOf("\n#", from));
}

/** `| `name` | `default` …` of a table. */
function rows(text: string): Map<string, string> {
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
  const table = rows(below("## Bounds"));
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

describe("the table of bounds of a service in SECURITY.md", () => {
  const service = createService(createSpryWs(), defineContract({}), {});
  const limits = Object.entries(Reflect.get(service, "limits") as Record<string, number>);

  it("has every limit with its default, and no other", () => {
    const table = [...rows(below("## Bounds of a service"))].map(([name, value]) => [
      name,
      value.replaceAll("_", ""),
    ]);
    expect(Object.fromEntries(table)).toEqual(
      Object.fromEntries(limits.map(([name, value]) => [name, String(value)])),
    );
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
