import { spryWs, useExpressRequest, ws } from "@spry-ws/express";
import { connect, refused } from "@spry-ws/testing";
import express, { type RequestHandler } from "express";
import session from "express-session";
import supertest from "supertest";
import { describe, expect, it } from "vitest";

declare module "express-session" {
  interface SessionData {
    user: string;
  }
}

const requireUser: RequestHandler = (request, response, next) => {
  if (request.session.user) next();
  else response.sendStatus(401);
};

function createApp(): express.Application {
  const app = express();
  app.use(spryWs());
  app.use(session({ secret: "secret", resave: false, saveUninitialized: false }));
  app.post("/login", (request, response) => {
    request.session.user = "ada";
    response.sendStatus(204);
  });
  app.get("/me", requireUser, (request, response) => void response.json(request.session.user));
  app.get(
    "/chat",
    requireUser,
    ws({ open: (peer) => peer.send(`hello ${useExpressRequest(peer).session.user}`) }),
  );
  return app;
}

describe("beside supertest", () => {
  it("carries the cookies of an agent that has logged in into the handshake", async () => {
    const app = createApp();
    const agent = supertest.agent(app);
    await agent.post("/login").expect(204);

    const cookie = agent.jar
      .getCookies({ domain: "127.0.0.1", path: "/chat", secure: false, script: false })
      .toValueString();
    await using client = await connect(app, "/chat", { headers: { cookie } });
    expect(await client.text()).toBe("hello ada");
    await agent.get("/me").expect(200, '"ada"');
  });

  it("is refused without them, as supertest's own request is", async () => {
    const app = createApp();
    await supertest(app).get("/me").expect(401);
    const answer = await refused(app, "/chat");
    expect([answer.status, answer.body]).toEqual([401, "Unauthorized"]);
  });
});
