import { expressFive } from "./adapters/express.ts";
import { sharedSuite } from "./suites/index.ts";

sharedSuite(expressFive);
