import type { AddressInfo } from "node:net";
import { spryWs } from "@spry-ws/fastify";
import { fastify } from "fastify";
import { notes, publishNote } from "./notes.ts";
import { pages } from "./pages.ts";
import { Login, Note, type TypeBoxTypeProvider } from "./schemas.ts";
import { Tokens } from "./tokens.ts";

export interface Settings {
  readonly port: number;
  /** @default random */
  readonly secret?: string | undefined;
  /** How long a token is valid. @default 60: the page renews it, which is to be seen */
  readonly tokenLifetimeS?: number;
}

export interface Running {
  readonly port: number;
  readonly tokens: Tokens;
  stop(): Promise<void>;
}

/** Port 0 is any free one. Rejects if the port cannot be had. */
export async function start({ port, secret, tokenLifetimeS = 60 }: Settings): Promise<Running> {
  const tokens = new Tokens(secret);
  // Browsers open connections ahead of need: without `true`, closing waits for a request that never comes.
  const app = fastify({
    logger: { level: process.env["LOG_LEVEL"] ?? "warn" },
    bodyLimit: 8_192,
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  await app.register(spryWs, {
    maxPayload: 8_192,
    rateLimit: { messages: 10 },
    shutdown: { deadlineMs: 2_000 },
  });

  app.ws("/notes", notes(tokens, app.spryWs));

  app.post("/notes", { schema: { body: Note } }, async (request, reply) => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
    const user = token && (await tokens.verify(token));
    if (!user) {
      return reply
        .code(401)
        .header("WWW-Authenticate", "Bearer")
        .send({ message: "A valid token is needed." });
    }
    publishNote(app.spryWs, user.name, request.body);
    return reply.code(201).send();
  });

  // A STAND-IN for your login or identity provider: whoever says a name gets a token for it.
  app.post("/token", { schema: { body: Login } }, async ({ body }) => ({
    token: await tokens.issue(body.name, tokenLifetimeS),
    lifetimeS: tokenLifetimeS,
  }));

  for (const [path, { headers, body }] of pages) {
    app.get(path, (_request, reply) => reply.headers(headers).send(body));
  }

  await app.listen({ port, host: "127.0.0.1" });
  return {
    port: (app.server.address() as AddressInfo).port,
    tokens,
    stop: () => app.close(),
  };
}
