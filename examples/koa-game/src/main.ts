import { start } from "./server.ts";

const app = await start({ port: Number(process.env["PORT"] ?? 3000) });
console.log(`Open http://127.0.0.1:${app.port}/ (Ctrl-C stops)`);

// The listeners stay: a terminal and a package manager may both pass on the same Ctrl-C.
await new Promise((resolve) => {
  process.on("SIGINT", resolve);
  process.on("SIGTERM", resolve);
});
await app.stop();
