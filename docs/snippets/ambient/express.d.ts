import type { Application, RequestHandler, Router } from "express";

declare global {
  const app: Application;
  const router: Router;
  const requireUser: RequestHandler;
}
