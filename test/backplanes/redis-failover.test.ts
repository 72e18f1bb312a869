import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { redis } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { missingRedis, type OwnBroker, startRedis } from "../fixtures/brokers.ts";
import { WatchedLink } from "./outages.ts";
import { redisLibraries } from "./redis-clients.ts";

interface MovableAddress {
  readonly url: string;
  moveTo(target: OwnBroker): void;
  /** From now on the connections that there are get this answer to PUBLISH. */
  refuse(answer: string): void;
}

/** An address that leads to one server, and later to another: as a name or a load balancer does. Connections stay where they are. */
async function movableAddress(target: OwnBroker): Promise<MovableAddress> {
  let { port } = target;
  const refusals = new Set<(answer: string) => void>();
  const proxy = createServer((socket) => {
    const upstream = connect(port, "127.0.0.1");
    let refusal = "";
    refusals.add((answer) => {
      refusal = answer;
    });
    upstream.pipe(socket);
    socket.on("data", (data) => {
      if (refusal !== "" && /\r\npublish\r\n/i.test(data.toString("latin1"))) socket.write(`-${refusal}\r\n`);
      else upstream.write(data);
    });
    for (const end of [socket, upstream]) {
      end.on("error", () => {});
      end.on("close", () => {
        socket.destroy();
        upstream.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  return {
    url: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    moveTo: (other) => {
      ({ port } = other);
    },
    refuse: (answer) => {
      for (const refuse of refusals) refuse(answer);
    },
  };
}

async function replicate(server: OwnBroker, master: OwnBroker | undefined): Promise<void> {
  const admin = new Redis(server.url);
  const [host, port] = master ? ["127.0.0.1", String(master.port)] : ["NO", "ONE"];
  await admin.replicaof(host as string, port as string);
  admin.disconnect();
}

describe.skipIf(missingRedis()).each(redisLibraries)("Redis with $name", { timeout: 30_000 }, (library) => {
  const open = (url: string) => {
    const { client, dispose } = library.idle(url);
    onTestFinished(dispose);
    return new WatchedLink(redis({ client, pingIntervalMs: 200 }));
  };

  it("leaves a master that becomes a replica, though nobody ends its connections", async () => {
    await using one = await startRedis();
    await using two = await startRedis();
    await replicate(two, one);
    const address = await movableAddress(one);
    await using before = open(address.url);
    await before.untilState("up");
    await before.link.subscribe(["topic"]);
    await before.publish("topic", "first");
    await before.untilReceived("topic first");
    address.moveTo(two);
    await replicate(two, undefined);
    await replicate(one, two);
    await using after = open(address.url);
    await after.untilState("up");
    await after.link.subscribe(["topic"]);
    await before.until(() => before.states.length >= 3 && before.state === "up", "up again");
    await before.publish("topic", "from before");
    await after.publish("topic", "from after");
    for (const link of [before, after])
      for (const text of ["from before", "from after"]) await link.untilReceived(`topic ${text}`);
    expect(before.states).toEqual(["up", "down", "up"]);
    expect(before.reasons[0]).toMatchObject({
      code: "SPRY_WS_BACKPLANE",
      message: expect.stringMatching(/is a replica where the client leads to/),
    });
  });

  it("connects anew where a server says that it cannot be written to any more", async () => {
    await using server = await startRedis();
    const address = await movableAddress(server);
    const { client, dispose } = library.idle(address.url);
    onTestFinished(dispose);
    await using link = new WatchedLink(redis({ client }));
    await link.untilState("up");
    address.refuse("READONLY You can't write against a read only replica.");
    const published = link.publish("topic", "x");
    await expect(published).rejects.toThrow("READONLY");
    expect(link.state).toBe("down");
    await link.untilState("up");
    await link.publish("topic", "y");
    expect(link.states).toEqual(["up", "down", "up"]);
  });

  it("does not use a replica, and does once it is the master", async () => {
    await using master = await startRedis();
    await using server = await startRedis();
    await replicate(server, master);
    await using link = open(server.url);
    await link.untilState("down");
    expect(link.reasons[0]?.message).toMatch(/must lead to the master/);
    await replicate(server, undefined);
    await link.untilState("up");
  });
});
