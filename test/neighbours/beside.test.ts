import { describe, expect, it } from "vitest";
import { type Framework, frameworks } from "./fixtures/frameworks.ts";
import { type Neighbour, neighbours, type RunningNeighbour } from "./fixtures/neighbours.ts";
import { chat, converse, type OpenSite, open, settled } from "./fixtures/open.ts";

/** How the app answers what is not its own; for each the neighbour's handshakes must get through. */
const sites = {
  "with the framework's 404": { parts: [{ path: "/chat", hooks: chat }] },
  "with a page for every path": { parts: [{ path: "/chat", hooks: chat }], page: "<!doctype html>" },
  "with the option path, and a login before everything": {
    parts: [{ path: "/chat", hooks: chat, options: { path: "/chat" } }],
    guard: (url: string) => (url.includes("user=") ? undefined : { status: 401, body: "log in first" }),
  },
};

interface Pair extends AsyncDisposable {
  readonly site: OpenSite;
  readonly theirs: RunningNeighbour;
}

async function together(
  framework: Framework,
  neighbour: Neighbour,
  order: "before" | "after",
  kind: keyof typeof sites,
): Promise<Pair> {
  let theirs: RunningNeighbour | undefined;
  const attach = async (server: OpenSite["server"]): Promise<RunningNeighbour> => {
    theirs = await neighbour.attach(server);
    return theirs;
  };
  const site = await open(framework, { ...sites[kind], ...(order === "before" && { before: attach }) });
  const running = theirs ?? (await attach(site.server));
  return {
    site,
    theirs: running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
    },
  };
}

describe.concurrent.each(frameworks)("$name", (framework) => {
  describe.each(neighbours)("and $name", (neighbour) => {
    describe.each(["before", "after"] as const)("registered %s ours", (order) => {
      it.each(Object.keys(sites) as (keyof typeof sites)[])("both work %s", async (kind) => {
        await using pair = await together(framework, neighbour, order, kind);
        const { site, theirs } = pair;
        const ours = site.url("/chat?user=ada");
        await converse(ours);
        await theirs.converse(site.host, () => converse(ours));
        await Promise.all([1, 2].flatMap(() => [theirs.converse(site.host), converse(ours)]));
        expect(await settled(site)).toMatchObject({ accepted: 4, forwarded: 3, aborted: 0, peers: 0 });
        expect(Object.values(site.spry.metrics().refused).filter((count) => count > 0)).toEqual([]);
      });
    });
  });
});
