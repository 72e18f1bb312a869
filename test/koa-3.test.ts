import { koaThree } from "./adapters/koa.ts";
import { sharedSuite } from "./suites/index.ts";

sharedSuite(koaThree);
