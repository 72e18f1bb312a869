import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSpryWs, type SpryWs } from "@spry-ws/core";
import { answers } from "./answers.ts";
import { type LanguageModel, standInModel } from "./model.ts";
import { servePage } from "./pages.ts";

export interface Settings {
  readonly port: number;
  /** @default standInModel */
  readonly model?: LanguageModel;
}

export interface Running {
  readonly port: number;
  readonly spry: SpryWs;
  stop(): Promise<void>;
}

/** Port 0 is any free one. Rejects if the port cannot be had. */
export async function start({ port, model = standInModel }: Settings): Promise<Running> {
  const spry = createSpryWs({
    path: "/ask",
    // 4000 characters of a prompt may take 6 bytes each in JSON: `\u0000`.
    maxPayload: 32_768,
    rateLimit: { messages: 10 },
  });
  const server = createServer(spry.handler(answers(model), servePage));
  spry.attach(server);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    spry,
    async stop() {
      const closed = once(server, "close");
      server.close();
      await spry.close({ deadlineMs: 2_000 });
      // Browsers open connections ahead of need, for which `server.close()` waits.
      server.closeAllConnections();
      await closed;
    },
  };
}
