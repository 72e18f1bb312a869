import { assertOptions } from "../options.ts";
import { appendCases } from "./append-cases.ts";
import { CaseRun, type DefineCase } from "./case-run.ts";
import { closeCases } from "./close-cases.ts";
import { outageCases } from "./outage-cases.ts";
import { readCases } from "./read-cases.ts";
import type { HistoryCase, HistorySetup } from "./setup.ts";
import { subscriptionCases } from "./subscription-cases.ts";

export type { HistoryCase, HistorySetup, HistoryUnderTest } from "./setup.ts";

const options = ["create", "mostKept", "agedOutMs", "interrupt", "restart", "timeoutMs"];

/**
 * The cases that every store of durable topics must pass. They use nothing but the contract, `History`, and are to be run one after
 * the other: some use the same topics.
 *
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for an unknown option
 * @example
 * for (const { name, run } of historyCases({ create })) it(name, run, 60_000);
 */
export function historyCases(setup: HistorySetup): HistoryCase[] {
  assertOptions(setup, options, "historyCases(setup)");
  const define: DefineCase = (name, body, retention = {}) => ({
    name,
    async run() {
      await using run = new CaseRun(setup, retention);
      await body(run);
    },
  });
  return [
    ...closeCases(define),
    ...appendCases(define),
    ...readCases(define),
    ...subscriptionCases(define),
    ...outageCases(define, setup),
  ];
}
