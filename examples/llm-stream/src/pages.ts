import type { IncomingMessage, ServerResponse } from "node:http";
import { createPages } from "@spry-ws/example-page";

const pages = createPages({ "/": new URL("../public/", import.meta.url) }, { name: "node:http" });

export function servePage(request: IncomingMessage, response: ServerResponse): void {
  const page = pages.get(request.url ?? "");
  if (!page) response.writeHead(404).end();
  else if (request.method !== "GET" && request.method !== "HEAD")
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
  else response.writeHead(200, { ...page.headers, "Content-Length": page.body.length }).end(page.body);
}
