import { memoryHistory } from "@spry-ws/service";
import { historyCases } from "@spry-ws/testing/history";
import { describe, it } from "vitest";

describe("memoryHistory", () => {
  const history = memoryHistory();
  const cases = historyCases({ create: () => ({ history, dispose() {} }), mostKept: 10, agedOutMs: 1_200 });
  for (const { name, run } of cases) it(name, run, 60_000);
});
