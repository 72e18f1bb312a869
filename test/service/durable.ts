import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs, type History, type SpryWsOptions } from "@spry-ws/core";
import { createService, type Service, type ServiceImplementation } from "@spry-ws/service";
import { z } from "zod";
import { clientId, WireClient } from "../fixtures/wire-client.ts";

export const contract = defineContract({
  topics: {
    "rooms/:room": { message: z.string(), history: true },
    "bytes/:id": { message: z.instanceof(Uint8Array), history: true },
    "docs/:id": { message: z.string(), history: true, snapshot: z.object({ text: z.string() }) },
    plain: { message: z.string() },
  },
});
type Chat = typeof contract;
type Implementation = ServiceImplementation<Chat, unknown>;

export interface LiveParts {
  readonly history?: History;
  readonly topics?: Partial<Implementation["topics"]>;
  readonly limits?: Implementation["limits"];
  readonly options?: SpryWsOptions;
}

export interface Live extends AsyncDisposable {
  readonly service: Service<Chat>;
  readonly spry: ReturnType<typeof createSpryWs>;
  readonly errors: unknown[];
  connect(
    subscriptions?: readonly (readonly [topic: string, position?: string | null])[],
  ): Promise<WireClient>;
}

/** A service with durable topics on a server of its own. */
export async function serveLive({ history, topics, limits, options }: LiveParts = {}): Promise<Live> {
  const errors: unknown[] = [];
  const spry = createSpryWs({ onError: (error) => errors.push(error), ...options });
  const service = createService<Chat, unknown>(spry, contract, {
    ...(history && { history }),
    ...(limits && { limits }),
    topics: {
      "rooms/:room": { subscribe: true },
      "bytes/:id": { subscribe: true },
      "docs/:id": { subscribe: true, snapshot: () => ({ text: "" }) },
      plain: { subscribe: true },
      ...topics,
    },
  });
  const server = createServer(spry.handler(service));
  spry.attach(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    service,
    spry,
    errors,
    async connect(subscriptions = []) {
      const client = await WireClient.connect(`ws://127.0.0.1:${port}/`);
      client.say(["h", clientId(), subscriptions]);
      await client.next("h");
      return client;
    },
    async [Symbol.asyncDispose]() {
      await spry.close({ deadlineMs: 1_000 });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
