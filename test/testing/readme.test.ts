import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string) =>
  readFileSync(new URL(`../../packages/testing/${path}`, import.meta.url), "utf8");

it("has every error of the source in the README, with the same words", () => {
  const rows = (text: string) => text.match(/\| `SPRY_WS_TEST_\w+` \|.*/g);
  const codes = [...read("src/errors.ts").matchAll(/^ {2}\| "(SPRY_WS_TEST_\w+)"/gm)].map(([, code]) => code);
  expect(rows(read("README.md"))).toEqual(rows(read("src/errors.ts")));
  expect(rows(read("README.md"))?.map((row) => row.split("`")[1])).toEqual(codes);
});
