import { createServer, type Server } from "node:http";
import { type Client, type ClientOptions, connect } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs, type HttpSpryWs, useSubprotocolToken } from "@spry-ws/core";
import { createService, type Service, type ServiceImplementation } from "@spry-ws/service";
import { createNetwork, type Network } from "@spry-ws/testing";
import { WebSocket } from "ws";
import { z } from "zod";
import { Deferred } from "../fixtures/deferred.ts";
import { listen } from "../fixtures/listen.ts";

export const contract = defineContract({
  requests: {
    run: { input: z.string(), output: z.string() },
    read: { input: z.string(), output: z.string(), repeatable: true },
    wait: { output: z.string() },
    nothing: {},
    count: { input: z.number(), stream: z.number() },
  },
  events: { move: z.object({ x: z.number() }) },
  topics: { "rooms/:room": { message: z.string() } },
});
export type Live = typeof contract;
type Parts = Partial<Omit<ServiceImplementation<Live, undefined>, "requests">> & {
  readonly requests?: Partial<ServiceImplementation<Live, undefined>["requests"]>;
};

/** One process of a service, with the network in front of it. */
export interface Process extends AsyncDisposable {
  readonly spry: HttpSpryWs;
  readonly service: Service<Live>;
  readonly network: Network;
  /** The inputs of `run` and `read`, in the order in which they ran. */
  readonly ran: string[];
  /** Opens the answers of `wait`. */
  readonly gate: Deferred<string>;
}

export async function startProcess(parts: Parts = {}): Promise<Process> {
  const ran: string[] = [];
  const gate = new Deferred<string>();
  const spry = createSpryWs({ onError: () => {} });
  const run = (_peer: unknown, input: string) => {
    ran.push(input);
    return `ran ${input}`;
  };
  const service = createService(spry, contract, {
    ...parts,
    requests: {
      run,
      read: run,
      wait: () => gate.promise,
      nothing: () => {},
      async *count(_peer, to) {
        for (let n = 1; n <= to; n++) yield n;
      },
      ...parts.requests,
    },
    events: parts.events ?? { move() {} },
    topics: parts.topics ?? { "rooms/:room": { subscribe: true } },
  } as ServiceImplementation<Live, undefined>);
  const server: Server = createServer(spry.handler(service));
  spry.attach(server);
  await listen(server);
  const network = await createNetwork(server);
  return {
    spry,
    service: service as Service<Live>,
    network,
    ran,
    gate,
    async [Symbol.asyncDispose]() {
      await network.close();
      await spry.close({ deadlineMs: 0 });
      server.close();
    },
  };
}

export interface TestClient extends Client<Live>, Disposable {}

/** A client that comes back fast, and ends with its block. */
export function open(url: string | (() => string), options: ClientOptions = {}): TestClient {
  const client = connect<Live>(url, {
    WebSocket: WebSocket as never,
    firstDelayMs: 5,
    maxDelayMs: 20,
    ...options,
  });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

/** Resolves when the client's status is this one. */
export function until(client: Pick<Client<Live>, "status" | "onStatus">, state: string): Promise<void> {
  return new Promise((resolve) => {
    if (client.status.state === state) return resolve();
    const stop = client.onStatus((status) => {
      if (status.state !== state) return;
      stop();
      resolve();
    });
  });
}

export const tokenOf = useSubprotocolToken;
