import { expressFour } from "./adapters/express.ts";
import { sharedSuite } from "./suites/index.ts";

sharedSuite(expressFour);
