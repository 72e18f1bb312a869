import { beforeAll, describe, expect, it } from "vitest";
import { campaign } from "./campaign.ts";
import { judge } from "./judge.ts";
import { explain, seedLine, summarize } from "./report.ts";
import { adapterNames } from "./settings.ts";

describe("a server under attack stands", () => {
  beforeAll(() => console.log(seedLine()));

  it.each(adapterNames)("%s", async (name) => {
    const report = await campaign(name);
    console.log(summarize(name, report));
    const wrong = judge(report);
    expect(wrong.length, explain(name, wrong, report)).toBe(0);
  });
});
