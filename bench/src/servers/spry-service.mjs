// The roles as requests, events and topics of a service. What does not speak spry.v1 is a raw peer.
import { defineContract } from "@spry-ws/contract";
import { useParam } from "@spry-ws/core";
import { createService } from "@spry-ws/service";
import { z } from "zod";

const contract = defineContract({
  requests: { echo: { input: z.string(), output: z.string() } },
  events: { publish: z.string() },
  topics: { "topics/:name": { message: z.string() } },
});

/** The hooks of all paths. @param {import("@spry-ws/core").SpryWs} spry */
export function serviceOf(spry) {
  const service = createService(spry, contract, {
    upgrade: (event) => ({ context: useParam(event, "name") }),
    requests: { echo: (_peer, text) => text },
    events: {
      publish(peer, text) {
        service.publish("topics/:name", { name: peer.context }, text);
      },
    },
    topics: { "topics/:name": { subscribe: true } },
    // The load counts bytes: no heartbeats in between.
    limits: { heartbeatMs: 600_000 },
    raw: {
      message(peer, message) {
        peer.send(message);
      },
    },
  });
  return service;
}
