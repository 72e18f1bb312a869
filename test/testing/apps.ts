import Router from "@koa/router";
import { createSpryWs, type HooksSource, type HttpHandler } from "@spry-ws/core";
import * as onExpress from "@spry-ws/express";
import spryFastify, { ws as fastifyWs } from "@spry-ws/fastify";
import * as onKoa from "@spry-ws/koa";
import type { TestableApp } from "@spry-ws/testing";
import express from "express";
import Fastify, { type FastifyInstance } from "fastify";
import Koa from "koa";

/** A real app of each framework with the hooks on `/chat/:room`, as a user of `connect` has it. */

export function expressApp(hooks: HooksSource): express.Application {
  const app = express();
  app.use(onExpress.spryWs());
  app.ws("/chat/:room", hooks);
  return app;
}

export function fastifyApp(hooks: HooksSource): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.register(spryFastify);
  app.register(async (child) => {
    child.get("/chat/:room", fastifyWs(hooks));
  });
  return app;
}

export function koaApp(hooks: HooksSource): Koa {
  const app = new Koa();
  const router = new Router();
  app.use(onKoa.spryWs());
  router.get("/chat/:room", onKoa.ws(hooks));
  app.use(router.routes());
  return app;
}

/** Every path is a chat room. */
export function httpListener(hooks: HooksSource): HttpHandler {
  return createSpryWs().handler(hooks);
}

/** The four of them, by name. */
export const apps: readonly (readonly [name: string, create: (hooks: HooksSource) => TestableApp])[] = [
  ["express 5", expressApp],
  ["fastify 5", fastifyApp],
  ["koa 3", koaApp],
  ["node:http", httpListener],
];
