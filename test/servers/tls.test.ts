import type { Server } from "node:http";
import { createServer } from "node:https";
import { connect } from "node:tls";
import { createSpryWs } from "@spry-ws/core";
import { expect, it } from "vitest";
import { certificate } from "../fixtures/certificate.ts";
import { listen } from "../fixtures/listen.ts";
import { closeFrame, handshake } from "../fixtures/raw.ts";
import { readSlowly } from "../fixtures/read-slowly.ts";
import { Recorder } from "../fixtures/recorder.ts";

it("sends all of a large message, and the close frame, to a client that reads slowly over TLS", async () => {
  const size = 8_388_608;
  const recorder = new Recorder();
  await using spry = createSpryWs({
    closeTimeoutMs: 400,
    heartbeat: { intervalMs: 400, timeoutMs: 400 },
  });
  const hooks = recorder.hooks({
    open(peer) {
      peer.send(Buffer.alloc(size));
      void peer.close(4000);
    },
  });
  const server = createServer(certificate, spry.handler(hooks)) as unknown as Server;
  spry.attach(server);
  await using running = await listen(server);
  const socket = connect({ port: running.port, host: "127.0.0.1", rejectUnauthorized: false });
  socket.write(handshake());
  const frame = Buffer.from([0x88, 2, 4000 >> 8, 4000 & 0xff]);
  let end = (await readSlowly({ socket }, size, 4_000)).last;
  // The 101 and the header of the frame are among the bytes that were counted: a few are still to come.
  while (!end.includes(frame)) {
    const { count, last } = await readSlowly({ socket }, 1, 4_000);
    if (count === 0) break;
    end = Buffer.concat([end, last]);
  }
  expect(end.includes(frame)).toBe(true);
  socket.write(closeFrame(4000));
  await recorder.until("close 4000");
  socket.destroy();
});
