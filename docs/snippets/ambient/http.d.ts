import type { Server } from "node:http";

declare global {
  const server: Server;
}
