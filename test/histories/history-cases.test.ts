import { historyCases } from "@spry-ws/testing/history";
import { describe, expect, it } from "vitest";
import { PlainHistory } from "./plain-history.ts";

function casesOf(fault = "") {
  const history = new PlainHistory(fault);
  return historyCases({
    create: () => ({ history, dispose() {} }),
    interrupt: () => history.interrupt(),
    restart: () => history.restart(),
    mostKept: 10,
    agedOutMs: 1_200,
    timeoutMs: 1_000,
  });
}

describe("historyCases(setup)", () => {
  for (const { name, run } of casesOf()) it(name, run);

  it.each([
    ["plain refusal", /^rejects what is called after close/],
    ["told after close", /^rejects what is called after close/],
    ["late order", /^stores 2,000 messages of one link in the order/],
    ["ids forgotten", /^stores a message once that is appended twice/],
    ["false refusal", /^stores every message once that is appended again/],
    ["text", /^keeps bytes as they are/],
    ["topics as UTF-8", /^keeps topics apart/],
    ["always continuous", /^keeps maxMessages, and says what is missing/],
    ["tags not compared", /^does not take positions of other logs/],
    ["epochs not compared", /^does not take positions of other logs/],
    ["same epoch", /^takes a log for another one/],
    ["wrong chain", /^tells every link that is subscribed/],
    ["no unsubscribe", /^stops after unsubscribe/],
    ["lost subscriptions", /^is back by itself after a lost connection/],
    ["never back", /^is back by itself after a lost connection/],
  ])("see what is wrong: %s", async (fault, name) => {
    const found = casesOf(fault).find((one) => name.test(one.name));
    if (!found) throw new Error("no such case");
    await expect(found.run()).rejects.toThrow();
  });

  it("says which options there are where it is given another", () => {
    expect(() => historyCases({ creat() {} } as never)).toThrow(
      /no option "creat"; the options are create, mostKept, agedOutMs, interrupt, restart, timeoutMs/,
    );
  });
});
