import { WebSocketServer } from "ws";
import { announce, deflate, host, parsePath, port } from "./contract.mjs";
import { ignoreErrors, roles } from "./ws-roles.mjs";

const server = new WebSocketServer({ port, host, perMessageDeflate: deflate });
server.on("connection", (socket, request) => {
  const [role, name] = parsePath(request.url);
  roles[role](ignoreErrors(socket), name);
});
server.on("listening", () => announce(server.address().port));
