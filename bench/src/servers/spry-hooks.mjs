// The contract's roles, once for all four adapters.
import { defineHooks, useParam } from "@spry-ws/core";
import { ACKNOWLEDGEMENT, routeOf, threeTopics, topicOf } from "./contract.mjs";

const withName = (event) => ({ context: useParam(event, "name") });

/** @type {Record<string, import("@spry-ws/core").Hooks<any>>} */
const roles = {
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
  acknowledged: defineHooks({
    open(peer) {
      peer.subscribe("room");
    },
    message(peer, message) {
      peer.send(message);
      peer.publish("room", message);
      peer.send(ACKNOWLEDGEMENT);
    },
  }),
  topics: defineHooks({
    open(peer) {
      for (const topic of threeTopics) peer.subscribe(topic);
    },
    message(peer, message) {
      peer.send(message);
      peer.publish(topicOf(message.text()), message);
    },
  }),
  idle: defineHooks({}),
};

/**
 * What to mount where: the hooks of each role, or with `--service` one service in place of them all.
 *
 * @param {import("@spry-ws/core").SpryWs} spry
 * @returns {Promise<{ role: string, path: string, hooks: import("@spry-ws/core").Hooks<any> }[]>}
 */
export async function routesOf(spry) {
  if (!process.argv.includes("--service"))
    return Object.entries(roles).map(([role, hooks]) => ({ role, path: routeOf(role), hooks }));
  // Only here: what it imports would count as the memory of those who do without.
  const { serviceOf } = await import("./spry-service.mjs");
  const hooks = serviceOf(spry);
  return [...Object.keys(roles), "request"].map((role) => ({ role, path: routeOf(role), hooks }));
}
