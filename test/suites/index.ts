import { describe } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { answersSuite } from "./answers.ts";
import { basicsSuite } from "./basics.ts";
import { dataSuite } from "./data.ts";
import { eventSuite } from "./event.ts";
import { handshakeSuite } from "./handshake.ts";
import { handshakeEndSuite } from "./handshake-end.ts";
import { hostileSuite } from "./hostile.ts";
import { limitsSuite } from "./limits.ts";
import { listeningSuite } from "./listening.ts";
import { livenessSuite } from "./liveness.ts";
import { noticesSuite } from "./notices.ts";
import { observeSuite } from "./observe.ts";
import { operationsSuite } from "./operations.ts";
import { orderSuite } from "./order.ts";
import { originSuite } from "./origin.ts";
import { refusalSuite } from "./refusal.ts";
import { serviceSuite } from "./service.ts";
import { servicePresenceSuite } from "./service-presence.ts";
import { serviceRefusalsSuite } from "./service-refusals.ts";
import { shutdownSuite } from "./shutdown.ts";
import { websocketListenersSuite } from "./websocket-listeners.ts";
import { websocketMethodsSuite } from "./websocket-methods.ts";

/** All that is promised of every adapter. */
export function sharedSuite(adapter: Adapter): void {
  describe(adapter.name, () => {
    basicsSuite(adapter);
    handshakeSuite(adapter);
    handshakeEndSuite(adapter);
    refusalSuite(adapter);
    answersSuite(adapter);
    eventSuite(adapter);
    orderSuite(adapter);
    dataSuite(adapter);
    websocketListenersSuite(adapter);
    websocketMethodsSuite(adapter);
    hostileSuite(adapter);
    originSuite(adapter);
    limitsSuite(adapter);
    livenessSuite(adapter);
    listeningSuite(adapter);
    operationsSuite(adapter);
    shutdownSuite(adapter);
    noticesSuite(adapter);
    observeSuite(adapter);
    describe("service", () => {
      serviceSuite(adapter);
      servicePresenceSuite(adapter);
      serviceRefusalsSuite(adapter);
    });
  });
}
