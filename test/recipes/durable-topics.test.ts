import { type SpryWs, spryWs } from "@spry-ws/express";
import { memoryHistory } from "@spry-ws/service";
import type { Express } from "express";
import { expect, it } from "vitest";
import { clientId, WireClient } from "../fixtures/wire-client.ts";
import { serveApp } from "./live.ts";
import { describePage } from "./page.ts";

describePage("docs/guide/durable-topics.md", (recipe) => {
  recipe("A durable topic", (run) => {
    it("gives a client the snapshot first, and one that comes back what it has missed", async () => {
      const { names } = await run<{ app: Express; spry: SpryWs }>({
        give: { spryWs },
        take: ["app", "spry"],
      });
      const { port } = await serveApp(names.app, names.spry);
      const open = async (position: string | null) => {
        const client = await WireClient.connect(`ws://127.0.0.1:${port}/live`);
        client.say(["h", clientId(), [["rooms/42", position]]]);
        return client;
      };
      await using first = await open(null);
      const [, , state, , snapshot] = await first.next("s");
      expect([state, snapshot]).toEqual(["live", { last: [] }]);
      const [, , output] = await first.request(1, "say", { room: "42", text: "hello" });
      const { position } = output as { position: string };
      await first.request(2, "say", { room: "42", text: "again" });
      await using second = await open(position);
      expect((await second.next("s"))[2]).toBe("resumed");
      expect((await second.next("m"))[3]).toEqual({ from: "ada", text: "again" });
    });
  });

  recipe("A process without clients", (run) => {
    it("publishes to clients of another process with the history alone", async () => {
      const shared = memoryHistory();
      const { names } = await run<{ app: Express; spry: SpryWs }>({
        give: { spryWs, shared },
        take: ["app", "spry"],
        replace: { "memoryHistory()": "shared" },
      });
      const { port } = await serveApp(names.app, names.spry);
      await using client = await WireClient.connect(`ws://127.0.0.1:${port}/live`);
      client.say(["h", clientId(), [["rooms/42", "start"]]]);
      expect((await client.next("m"))[3]).toEqual({ from: "clock", text: "noon" });
    });
  });
});
