import { http } from "./adapters/http.ts";
import { sharedSuite } from "./suites/index.ts";

sharedSuite(http);
