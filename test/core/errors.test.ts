import { isSpryWsError } from "@spry-ws/core";
import { describe, expect, it } from "vitest";

describe("isSpryWsError", () => {
  it.each(["toString", "constructor", "__proto__", "ERR_INVALID_ARG_TYPE"])(
    "is false for the code %s",
    (code) => {
      expect(isSpryWsError(Object.assign(new Error("of another library"), { code }))).toBe(false);
    },
  );
});
