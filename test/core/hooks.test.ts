import { createSpryWs, defineHooks } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import { catchError } from "../fixtures/catch-error.ts";

describe("defineHooks", () => {
  it("gives back its hooks", () => {
    const hooks = { open() {} };
    expect(defineHooks(hooks)).toBe(hooks);
  });

  it("takes an object of a class", () => {
    class Chat {
      readonly store = new Map();
      open(): void {}
    }
    expect(() => defineHooks(new Chat())).not.toThrow();
  });

  it.each([
    [undefined, /takes an object of hooks, not undefined/],
    [[], /takes an object of hooks, not an array/],
    [{ onMessage() {} }, /no hook "onMessage"; the hooks are upgrade, open, message, drain, close, error/],
    [{ open: "x" }, /the hook "open" is a string, not a function/],
    [new Map(), /a Map has none of the hooks upgrade, open, message/],
    [{ default: {} }, /no hook "default".*of an imported module give what it exports as default/],
  ])("throws for %o", (hooks, text) => {
    expect(() => defineHooks(hooks as never)).toThrow(text);
  });
});

describe("a route", () => {
  const listener = (socket: { on(name: string): void }, _request: unknown): void => socket.on("message");

  it("says at once that listeners of other libraries and middleware are no hooks", () => {
    const mount = () => createSpryWs().handler(listener as never);
    expect(mount).toThrow(
      /a function of an event.*not a function of 2 parameters.*write \{ message\(peer, message\)/,
    );
    expect(catchError(mount)).toMatchObject({ code: "SPRY_WS_HOOKS" });
    expect(() => createSpryWs().handler((_event) => ({}))).not.toThrow();
  });

  it("says at once that a fallback is no handler", () => {
    expect(() => createSpryWs().handler({}, "a page" as never)).toThrow(
      /the fallback is a string, not a handler/,
    );
  });
});
