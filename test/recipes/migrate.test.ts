import { connect, refused, type TestClient } from "@spry-ws/testing";
import { expect, it, onTestFinished } from "vitest";
import { describePage, type Run } from "./page.ts";

/** The block before and the one after do the same, as far as the test asks. */
function alike(
  recipe: (name: string, define: (run: Run) => void) => void,
  name: string,
  test: (url: string) => Promise<void>,
  options?: Parameters<Run>[0],
): void {
  for (const block of [name, `${name} 2`])
    recipe(block, (run) => {
      it("does what the other one does", async () => {
        await test((await run(options)).url);
      });
    });
}

async function open(url: string, path: string, headers = {}): Promise<TestClient> {
  const client = await connect(url, path, { headers });
  onTestFinished(async () => void (await client.terminate()));
  return client;
}

async function everybodyHears(url: string): Promise<void> {
  const [ada, grace] = [await open(url, "/rooms/blue"), await open(url, "/rooms/red")];
  await ada.ping();
  await grace.ping();
  ada.send("hello");
  for (const client of [ada, grace]) expect(await client.text()).toBe("blue: hello");
}

describePage("docs/migrate/express-ws.md", (recipe) => alike(recipe, "From express-ws", everybodyHears));

describePage("docs/migrate/fastify-websocket.md", (recipe) =>
  alike(recipe, "From @fastify/websocket", everybodyHears, { replace: { "logger: true": "logger: false" } }),
);

describePage("docs/migrate/koa-websocket.md", (recipe) =>
  alike(recipe, "From koa-websocket", async (url) => {
    const [ada, grace] = [await open(url, "/chat"), await open(url, "/chat")];
    for (const client of [ada, grace]) expect(await client.text()).toBe("hello");
    ada.send("x");
    for (const client of [ada, grace]) expect(await client.text()).toBe("x");
  }),
);

describePage("docs/migrate/koa-easy-ws.md", (recipe) =>
  alike(recipe, "From koa-easy-ws", async (url) => {
    expect(await (await fetch(url)).text()).toBe("a page");
    const client = await open(url, "/");
    client.send(new Uint8Array([1, 2, 3]));
    expect([...(await client.next()).bytes()]).toEqual([1, 2, 3]);
  }),
);

describePage("docs/migrate/crossws.md", (recipe) =>
  alike(recipe, "From crossws", async (url) => {
    expect((await refused(url, "/")).status).toBe(400);
    const [ada, grace] = [await open(url, "/?name=Ada"), await open(url, "/?name=Grace")];
    expect(await ada.json()).toEqual({ welcome: "Ada" });
    expect(await grace.json()).toEqual({ welcome: "Grace" });
    grace.send("hello");
    expect(await ada.text()).toBe("Grace: hello");
  }),
);

describePage("docs/migrate/websocket-express.md", (recipe) => {
  const findUser = async (id: string | undefined) => (id ? { id, name: id } : undefined);
  alike(
    recipe,
    "From websocket-express",
    async (url) => {
      expect((await refused(url, "/feed")).status).toBe(401);
      const client = await open(url, "/feed", { "x-user-id": "Ada" });
      client.send("hello");
      expect(await client.text()).toBe("Ada: hello");
    },
    { give: { findUser } },
  );
});
