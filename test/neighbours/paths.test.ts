import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Client } from "../fixtures/client.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { frameworks, type SiteSpec } from "./fixtures/frameworks.ts";
import { chat, type OpenSite, open, settled } from "./fixtures/open.ts";

/** A form of the option `path`, with targets that are of it and targets that are not. */
interface Form {
  readonly path: string | RegExp | readonly (string | RegExp)[];
  readonly ours: string[];
  readonly others: string[];
}

const forms: Form[] = [
  {
    path: "/chat",
    ours: ["/chat", "/chat/", "/chat/blue", "/chat?a=1"],
    others: ["/chats", "/a/chat", "/Chat"],
  },
  { path: "/chat/", ours: ["/chat/", "/chat/blue"], others: ["/chat", "/chats"] },
  { path: "/chät", ours: ["/ch%C3%A4t", "/ch%C3%A4t/blue"], others: ["/chat", "/ch"] },
  { path: /^\/(chat|news)$/, ours: ["/chat", "/news?a=/"], others: ["/chat/blue", "/x?/chat"] },
  { path: /\.ws$/g, ours: ["/a.ws", "/b.ws?x", "/c.ws"], others: ["/a.ws/b", "/a?b.ws"] },
  { path: ["/chat", /^\/news/], ours: ["/chat/blue", "/newsroom"], others: ["/", "/socket.io/"] },
];

interface Locked extends OpenSite {
  readonly seen: string[];
}

describe.each(frameworks)("$name with the option path", (framework) => {
  /** What a handshake for a target is answered with. */
  async function statusOf(port: number, target: string): Promise<number> {
    using client = await RawClient.connect(port, handshake({ target }));
    return (await client.response()).status;
  }

  /** A site whose middleware refuses everything, and writes down what it has seen. */
  async function locked(path: Form["path"], before?: SiteSpec["before"]): Promise<Locked> {
    const seen: string[] = [];
    const guard = async (url: string) => {
      seen.push(url);
      return { status: 401 };
    };
    const parts = [{ path: "/chat", hooks: chat, options: { path } }];
    return Object.assign(await open(framework, { parts, guard, ...(before && { before }) }), { seen });
  }

  it.each(forms)("$path: sees what it covers alone; 404 for the rest", async ({ path, ours, others }) => {
    await using site = await locked(path);
    for (const target of ours) expect([target, await statusOf(site.port, target)]).toEqual([target, 401]);
    for (const target of others) expect([target, await statusOf(site.port, target)]).toEqual([target, 404]);
    expect(site.seen).toEqual(ours);
    const { refused, forwarded } = await settled(site);
    expect([refused.framework, refused.path, forwarded]).toEqual([ours.length, others.length, 0]);
  });

  it.each(forms)(
    "$path: leaves the rest to a neighbour, and no middleware sees it",
    async ({ path, others }) => {
      const sockets = new WebSocketServer({ noServer: true });
      await using site = await locked(path, (server) =>
        server.on("upgrade", (request, socket, head) =>
          sockets.handleUpgrade(request, socket, head, (websocket) => websocket.send(String(request.url))),
        ),
      );
      for (const target of others) {
        await using client = await Client.open(site.url(target));
        expect(await client.next()).toBe(target);
      }
      expect(site.seen).toEqual([]);
      expect(await settled(site)).toMatchObject({ forwarded: others.length, refused: { path: 0 } });
    },
  );
});
