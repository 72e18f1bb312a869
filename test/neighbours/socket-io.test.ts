import { setTimeout as pause } from "node:timers/promises";
import type { SpryWsOptions } from "@spry-ws/core";
import type { ServerOptions, Server as SocketIoServer } from "socket.io";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { type Framework, frameworks } from "./fixtures/frameworks.ts";
import { type RunningNeighbour, socketIo } from "./fixtures/neighbours.ts";
import { chat, converse, type OpenSite, open, within } from "./fixtures/open.ts";

interface Pair extends AsyncDisposable {
  readonly site: OpenSite;
  readonly theirs: RunningNeighbour & { io: SocketIoServer };
}

/** `/chat` of ours, and Socket.IO after it. */
async function together(
  framework: Framework,
  own: Partial<ServerOptions> & Record<string, unknown> = {},
  options: SpryWsOptions = {},
  hooks = chat,
): Promise<Pair> {
  const site = await open(framework, { parts: [{ path: "/chat", hooks, options }] });
  const theirs = socketIo(site.server, ["websocket"], own);
  return {
    site,
    theirs,
    async [Symbol.asyncDispose]() {
      await theirs[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
    },
  };
}

const target = "/socket.io/?EIO=4&transport=websocket";

/** How often Socket.IO's own middleware ran, and what it reported, for one connection. */
async function observe(framework: Framework, options: SpryWsOptions = {}): Promise<string[]> {
  await using pair = await together(framework, {}, options);
  const seen: string[] = [];
  const { engine } = pair.theirs.io;
  engine.use((_request: unknown, _response: unknown, next: () => void) => {
    seen.push("middleware");
    next();
  });
  engine.on("connection_error", ({ message }) => seen.push(message));
  await pair.theirs.converse(pair.site.host);
  return seen;
}

describe("Socket.IO, which ends upgrades after one second that it does not know (destroyUpgrade)", () => {
  it.concurrent.each(frameworks)("leaves a slower handshake of ours alone: $name", async (framework) => {
    const upgrade = () => pause(1_200).then(() => undefined);
    await using pair = await together(framework, {}, {}, { ...chat, upgrade });
    await converse(pair.site.url("/chat"));
  });

  it.concurrent.each(frameworks)("ends one that is nobody's before our 404: $name", async (framework) => {
    await using pair = await together(framework, { destroyUpgradeTimeout: 100 });
    using client = await RawClient.connect(pair.site.port, handshake({ target: "/unknown" }));
    expect(await within(2_000, client.ended())).toBe("");
  });

  it.concurrent.each(frameworks)(
    "gives our 404 the time, with destroyUpgrade: false: $name",
    async (framework) => {
      await using pair = await together(framework, { destroyUpgrade: false }, { handshakeTimeoutMs: 100 });
      using client = await RawClient.connect(pair.site.port, handshake({ target: "/unknown" }));
      expect((await client.response()).status).toBe(404);
    },
  );
});

describe.each(frameworks)("Socket.IO beside $name", (framework) => {
  it("refuses by itself: what allowRequest says arrives, at once", async () => {
    const allowRequest: ServerOptions["allowRequest"] = (_request, decide) => decide("not you", false);
    await using pair = await together(framework, { allowRequest });
    using client = await RawClient.connect(pair.site.port, handshake({ target }));
    const { status, body } = await within(2_000, client.response());
    expect([status, body]).toEqual([400, "not you"]);
  });

  it("refuses by itself: a session it does not know", async () => {
    await using pair = await together(framework);
    using client = await RawClient.connect(pair.site.port, handshake({ target: `${target}&sid=x` }));
    const { status, body } = await within(2_000, client.response());
    expect([status, body]).toEqual([400, "Session ID unknown"]);
  });

  it("works on another path", async () => {
    await using pair = await together(framework, { path: "/live" });
    await pair.theirs.converse(pair.site.host, () => converse(pair.site.url("/chat")));
  });

  it("closes our peers too with io.close(), as it closes the server", async () => {
    await using pair = await together(framework);
    await using client = await Client.open(pair.site.url("/chat"));
    await pair.theirs.io.close();
    expect((await client.closed).code).toBe(1001);
  });

  it("sees a handshake once with the option path", async () => {
    expect(await observe(framework, { path: "/chat" })).toEqual(["middleware"]);
  });

  it("sees it twice without: its `request` listener takes it for a bad one first", async () => {
    expect(await observe(framework)).toEqual(["middleware", "Bad request", "middleware"]);
  });
});
