import { describe, expect, it } from "vitest";
import { byVersion } from "../../bench/src/node-versions.mjs";
import { parseOptions } from "../../bench/src/options.mjs";

describe("a run on several versions of Node", () => {
  it("has a group for each, to which belongs what has no version", () => {
    interface Item {
      name: string;
      node?: string;
    }
    const bun: Item = { name: "bun" };
    const one: Item = { name: "ws", node: "20.19.0" };
    const other: Item = { name: "ws", node: "22.23.3" };
    expect(byVersion([bun, one, other])).toEqual([
      { node: "20.19.0", items: [bun, one] },
      { node: "22.23.3", items: [bun, other] },
    ]);
    expect(byVersion([bun])).toEqual([{ node: undefined, items: [bun] }]);
  });

  it("takes the versions that are tested, and is not kept", () => {
    expect(parseOptions(["--node", "20,22"]).isWhole).toBe(false);
    expect(() => parseOptions(["--node", "18"])).toThrow(/--node: 18 is none of 20, 22, 24, 26/);
  });
});
