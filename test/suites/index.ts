import { describe } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { basicsSuite } from "./basics.ts";
import { dataSuite } from "./data.ts";
import { eventSuite } from "./event.ts";
import { handshakeSuite } from "./handshake.ts";
import { hostileSuite } from "./hostile.ts";
import { orderSuite } from "./order.ts";
import { refusalSuite } from "./refusal.ts";

/** All that is promised of every adapter. */
export function sharedSuite(adapter: Adapter): void {
  describe(adapter.name, () => {
    basicsSuite(adapter);
    handshakeSuite(adapter);
    refusalSuite(adapter);
    eventSuite(adapter);
    orderSuite(adapter);
    dataSuite(adapter);
    hostileSuite(adapter);
  });
}
