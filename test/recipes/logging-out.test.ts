import { type Backplane, type HooksSource, memoryBackplane, type SpryWs } from "@spry-ws/core";
import { connect, refused } from "@spry-ws/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { expressFive } from "../adapters/express.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { serve } from "../fixtures/serve.ts";
import { serveApp } from "./live.ts";
import { describePage } from "./page.ts";
import type { Names } from "./processes.ts";

const loggedOut = { code: 4401, reason: "logged out" };

describePage("docs/guide/logging-out.md", (recipe) => {
  recipe("Log out everywhere", (run) => {
    /** A database of sessions, by their cookie. */
    const sessions = new Map<string, { id: string; userId: string }>();
    let mayAsk: Promise<void>;
    let asked: Deferred;
    let backplane: Backplane;
    beforeEach(() => {
      mayAsk = Promise.resolve();
      asked = new Deferred();
      backplane = memoryBackplane();
      for (const id of ["ada 1", "ada 2", "grace 1"])
        sessions.set(id, { id, userId: id.split(" ")[0] ?? "" });
    });
    afterEach(() => sessions.clear());

    const start = async () => {
      const { names } = await run<Names>({
        give: {
          backplane,
          findSession: async (cookie: string) => sessions.get(cookie),
          async isValid(id: string) {
            asked.resolve();
            await mayAsk;
            return sessions.has(id);
          },
          async revokeSessions(userId: string) {
            for (const [cookie, session] of sessions) if (session.userId === userId) sessions.delete(cookie);
          },
        },
        take: ["app", "spry"],
      });
      const { server, port } = await serveApp(names.app, names.spry);
      await names.spry.ready();
      return {
        server,
        enter: (cookie: string) => connect(server, "/account", { headers: { cookie } }),
        logOut: (cookie: string) =>
          fetch(`http://127.0.0.1:${port}/logout-everywhere`, { method: "POST", headers: { cookie } }),
      };
    };

    it("closes all peers of a user in all processes, and nobody else's", async () => {
      const [here, there] = [await start(), await start()];
      await using first = await here.enter("ada 1");
      await using second = await there.enter("ada 2");
      await using other = await there.enter("grace 1");
      await using sameUser = await here.enter("grace 1");
      for (const client of [first, second, other, sameUser]) await client.ping();
      first.send("from one to the other");
      expect(await second.text()).toBe("from one to the other");
      expect((await here.logOut("ada 1")).status).toBe(204);
      for (const client of [first, second]) expect(await client.closed).toEqual(loggedOut);
      other.send("still here");
      expect(await sameUser.text()).toBe("still here");
      const headers = { cookie: "ada 2" };
      expect((await refused(there.server, "/account", { headers })).status).toBe(401);
    });

    it("closes who was on the way in meanwhile", async () => {
      const [here, there] = [await start(), await start()];
      const held = new Deferred();
      mayAsk = held.promise;
      await using late = await there.enter("ada 2");
      await asked.promise;
      // As if the logout had come before the peer was subscribed.
      sessions.clear();
      held.resolve();
      expect(await late.closed).toEqual(loggedOut);
      expect((await here.logOut("ada 1")).status).toBe(204);
    });
  });

  recipe("All but this one", (run) => {
    it("stays, and is closed the next time", async () => {
      let spry: SpryWs | undefined;
      const give = {
        spry: new Proxy({}, { get: (_target, name) => Reflect.get(spry ?? {}, name).bind(spry) }),
      };
      const { names } = await run<{ devices: HooksSource }>({ give, take: ["devices"] });
      await using app = await serve(expressFive, { routes: { "/": { hooks: names.devices } } });
      ({ spry } = app);
      await using one = await connect(app.server, "/");
      await using other = await connect(app.server, "/");
      for (const client of [one, other]) await client.ping();
      one.send("log out my other devices");
      expect(await other.closed).toEqual(loggedOut);
      await one.ping();
      await using third = await connect(app.server, "/");
      third.send("log out my other devices");
      expect(await one.closed).toEqual(loggedOut);
      await third.ping();
    });
  });

  recipe("From a worker", (run) => {
    it("tells the peers in other processes why, and closes them", async () => {
      const backplane = memoryBackplane();
      await using app = await serve(expressFive, {
        routes: { "/": { hooks: { open: (peer) => peer.subscribe("user:42") } } },
        options: { backplane },
      });
      await using client = await connect(app.server, "/");
      await client.ping();
      await app.spry.ready();
      await run({ give: { backplane } });
      expect(await client.text()).toBe("your account is blocked");
      expect(await client.closed).toEqual({ code: 4403, reason: "blocked" });
    });
  });
});
