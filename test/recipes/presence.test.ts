import { type Backplane, memoryBackplane } from "@spry-ws/core";
import type { SpryWs } from "@spry-ws/express";
import { connect } from "@spry-ws/testing";
import type { Express } from "express";
import { expect, it, vi } from "vitest";
import { serveApp } from "./live.ts";
import { describePage } from "./page.ts";

describePage("docs/guide/presence.md", (recipe) => {
  recipe("Plain hooks", (run) => {
    it("tells each process who comes and goes in all of them, and answers from one without peers", async () => {
      const backplane: Backplane = memoryBackplane();
      const start = async () => {
        const log = vi.fn();
        const running = await run<{ app: Express; spry: SpryWs }>({
          give: { backplane, console: { log } },
          take: ["app", "spry"],
          replace: { 'topic: "staff" }': 'topic: "staff", graceMs: 500 }' },
        });
        const { app, spry } = running.names;
        const { port } = await serveApp(app, spry);
        const said = () => log.mock.calls.map(([text]) => text);
        return { app, said, staff: async () => (await fetch(`http://127.0.0.1:${port}/staff`)).json() };
      };
      const [one, other] = [await start(), await start()];
      expect(await one.staff()).toEqual([]);
      const ada = await connect(one.app, "/desk?name=Ada");
      await vi.waitFor(() => expect(other.said()).toEqual(["Ada has come"]));
      expect(await other.staff()).toEqual([{ name: "Ada" }]);
      const tab = await connect(other.app, "/desk?name=Ada");
      await ada.close();
      const late = await start();
      expect(await late.staff()).toEqual([{ name: "Ada" }]);
      await tab.close();
      for (const { said } of [one, other])
        await vi.waitFor(() => expect(said()).toEqual(["Ada has come", "Ada has left"]), 5_000);
      expect(await late.staff()).toEqual([]);
    });
  });
});
