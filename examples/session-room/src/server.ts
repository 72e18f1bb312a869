import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type SpryWs, spryWs } from "@spry-ws/express";
import express, { type RequestHandler } from "express";
import { files, headers, loginPage, roomPage } from "./pages.ts";
import { Room } from "./room.ts";
import { logIn, logOut, sessions } from "./session.ts";
import { isPasswordOf } from "./users.ts";

export interface Running {
  readonly port: number;
  readonly spry: SpryWs;
  stop(): Promise<void>;
}

/** Port 0 is any free one. Rejects if the port cannot be had. */
export async function start({ port }: { port: number }): Promise<Running> {
  const app = express();
  const room = new Room();
  // Pages of other sites are refused with 403: `origin: "same"` is the default.
  const spry = spryWs({ maxPayload: 4_096, rateLimit: { messages: 10 } });

  app.disable("x-powered-by");
  app.use(spry);
  app.use((_request, response, next) => {
    response.set(headers);
    next();
  });
  for (const [path, file] of files)
    app.get(path, (_request, response) => void response.set(file.headers).send(file.body));
  app.use(sessions());
  app.ws("/room", room.hooks);

  app.get("/", ({ session }, response) => {
    response.send(session.user ? roomPage(session.user) : loginPage());
  });

  app.use(express.urlencoded({ extended: false, limit: 1_024 }), sameOriginPosts);
  app.post("/login", async (request, response) => {
    const { name, password } = request.body ?? {};
    const isKnown =
      typeof name === "string" && typeof password === "string" && (await isPasswordOf(name, password));
    if (!isKnown) return void response.status(401).send(loginPage("Name or password is wrong."));
    const { sessionID } = request;
    await logIn(request, name);
    // Whoever was logged in before in this browser.
    room.logOut(sessionID);
    response.redirect(303, "/");
  });
  app.post("/logout", async (request, response) => {
    const { sessionID } = request;
    await logOut(request);
    room.logOut(sessionID);
    response.redirect(303, "/");
  });

  const server = app.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    spry,
    async stop() {
      const closed = once(server, "close");
      server.close();
      await spry.close({ deadlineMs: 2_000 });
      // Browsers open connections ahead of need, for which `server.close()` waits.
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Another site's form may post here too, and log the visitor in as somebody else. Browsers say where it came from. */
const sameOriginPosts: RequestHandler = (request, response, next) => {
  const origin = request.get("origin");
  const host = origin && URL.canParse(origin) ? new URL(origin).host : undefined;
  if (request.method !== "POST" || origin === undefined || host === request.get("host")) next();
  else response.status(403).type("text").send("This form belongs to another site.\n");
};
