// The contract's roles, once for all four adapters.
import { defineHooks, useParam } from "@spry-ws/core";
import { routeOf } from "./contract.mjs";

const withName = (event) => ({ context: useParam(event, "name") });

/** @type {Record<string, import("@spry-ws/core").Hooks<any>>} */
export const roles = {
  echo: defineHooks({
    message(peer, message) {
      peer.send(message);
    },
  }),
  topic: defineHooks({
    upgrade: withName,
    open(peer) {
      peer.subscribe(peer.context);
    },
  }),
  publish: defineHooks({
    upgrade: withName,
    message(peer, message) {
      peer.publish(peer.context, message);
    },
  }),
  direct: defineHooks({
    message(peer, message) {
      peer.publish(message.text(), message);
    },
  }),
  // As in crossws's own benchmark.
  room: defineHooks({
    open(peer) {
      peer.subscribe("room");
    },
    message(peer, message) {
      peer.send(message);
      peer.publish("room", message);
    },
  }),
  idle: defineHooks({}),
};

export const routes = Object.entries(roles).map(([role, hooks]) => ({ path: routeOf(role), hooks }));
