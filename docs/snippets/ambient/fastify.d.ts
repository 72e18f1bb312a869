import type { FastifyInstance, preHandlerAsyncHookHandler } from "fastify";

declare global {
  const app: FastifyInstance;
  const requireUser: preHandlerAsyncHookHandler;
}
