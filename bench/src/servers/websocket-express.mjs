import { WebSocketExpress } from "websocket-express";
import { announce, host, port } from "./contract.mjs";
import { ignoreErrors, routes } from "./ws-roles.mjs";

const app = new WebSocketExpress();
for (const { path, play } of routes) {
  app.ws(path, async (request, response) => play(ignoreErrors(await response.accept()), request.params.name));
}
const server = app.listen(port, host, () => announce(server.address().port));
