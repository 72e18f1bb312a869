import { WebSocketExpress } from "websocket-express";
import { announce, host, port } from "./contract.mjs";
import { ignoreErrors, publishNews, routes } from "./ws-roles.mjs";

const app = new WebSocketExpress();
for (const { path, play } of routes) {
  app.ws(path, async (request, response) => play(ignoreErrors(await response.accept()), request.params.name));
}
app.get("/news", (_request, response) => {
  publishNews();
  response.status(204).end();
});
const server = app.listen(port, host, () => announce(server.address().port));
