import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import express, { type RequestHandler } from "express";

/** Where the page comes from. */
export interface Pages {
  readonly handler: RequestHandler;
  close(): Promise<void>;
}

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** From the sources, through Vite's middleware, with hot updates on the same server. */
export async function developmentPages(server: Server): Promise<Pages> {
  // Only here: in production Vite need not be installed.
  const { createServer } = await import("vite");
  const vite = await createServer({
    configFile: pathOf("../vite.config.ts"),
    server: { middlewareMode: true, hmr: { server } },
  });
  return { handler: vite.middlewares, close: () => vite.close() };
}

/** What `vite build` has made. */
export function builtPages(): Pages {
  const handler = express.static(pathOf("../dist/client"), {
    setHeaders(response, path) {
      // Vite puts a hash of the contents into the names of assets.
      const isHashed = /[\\/]assets[\\/]/.test(path);
      response.setHeader("Cache-Control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
      response.setHeader("X-Content-Type-Options", "nosniff");
      response.setHeader("Referrer-Policy", "no-referrer");
      // 'self' includes ws: of the same host and port (CSP Level 3).
      response.setHeader(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
          "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
      );
    },
  });
  return { handler, close: async () => {} };
}
