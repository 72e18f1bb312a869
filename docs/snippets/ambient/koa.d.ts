import type Router from "@koa/router";
import type Koa from "koa";

declare global {
  const app: Koa;
  const router: Router;
  const requireUser: Koa.Middleware;
}
