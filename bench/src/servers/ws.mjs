import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { deflate, listen, parsePath } from "./contract.mjs";
import { ignoreErrors, publishNews, roles } from "./ws-roles.mjs";

const server = createServer((_request, response) => {
  publishNews();
  response.writeHead(204).end();
});
const sockets = new WebSocketServer({ server, perMessageDeflate: deflate });
sockets.on("connection", (socket, request) => {
  const [role, name] = parsePath(request.url);
  roles[role](ignoreErrors(socket), name);
});
listen(server);
