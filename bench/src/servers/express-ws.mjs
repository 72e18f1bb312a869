import express from "express";
import expressWs from "express-ws";
import { announce, deflate, host, port } from "./contract.mjs";
import { ignoreErrors, publishNews, routes } from "./ws-roles.mjs";

const app = express();
expressWs(app, undefined, { wsOptions: { perMessageDeflate: deflate } });
for (const { path, play } of routes) {
  app.ws(path, (socket, request) => play(ignoreErrors(socket), request.params.name));
}
app.get("/news", (_request, response) => {
  publishNews();
  response.status(204).end();
});
const server = app.listen(port, host, () => announce(server.address().port));
