import { type Client, connect as connectClient } from "@spry-ws/client";
import type { SpryWs } from "@spry-ws/express";
import type { Express } from "express";
import { onTestFinished, vi } from "vitest";
import type { z } from "zod";
import { type ListeningServer, listen } from "../fixtures/listen.ts";
import { browserSocket } from "./browser.ts";

/** Makes this process a page of the server, until the end of the test: paths and `WebSocket` lead there. */
function beAPageOf(port: number): void {
  vi.stubGlobal("location", { href: `http://127.0.0.1:${port}/` });
  vi.stubGlobal("WebSocket", browserSocket(port));
  onTestFinished(() => void vi.unstubAllGlobals());
}

/** An app that listens, until the end of the test. */
export async function serveApp(app: Express, spry: SpryWs): Promise<ListeningServer> {
  const server = await listen(app);
  spry.attach(server.server);
  onTestFinished(async () => {
    await spry.close({ deadlineMs: 0 });
    await server[Symbol.asyncDispose]();
  });
  beAPageOf(server.port);
  return server;
}

/** A client of a service at `/live`, as the user whose cookie it is. */
export function openClient(port: number, cookie?: string): Client<Chat> {
  const url = `ws://127.0.0.1:${port}/live`;
  const Socket = browserSocket(port, cookie === undefined ? {} : { cookie });
  const client = connectClient<Chat>(url, { WebSocket: Socket });
  onTestFinished(() => client.close());
  return client;
}

type Chat = {
  requests: {
    say: { input: z.ZodType<{ room: string; text: string }>; output: z.ZodType<{ at: number }> };
    history: { input: z.ZodType<{ room: string }>; output: z.ZodType<unknown[]> };
    summarize: { input: z.ZodType<{ room: string }>; stream: z.ZodType<string> };
  };
  events: { typing: z.ZodType<{ room: string }> };
  topics: { "rooms/:room": { message: z.ZodType<{ from: string; text: string }> } };
};
