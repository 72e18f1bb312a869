import { fastifyFive } from "./adapters/fastify.ts";
import { sharedSuite } from "./suites/index.ts";

sharedSuite(fastifyFive);
