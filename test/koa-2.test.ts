import { koaTwo } from "./adapters/koa.ts";
import { sharedSuite } from "./suites/index.ts";

sharedSuite(koaTwo);
