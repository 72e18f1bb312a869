// @vitest-environment jsdom

import type { TopicItem } from "@spry-ws/client";
import { type RequestState, usePresence, useRequest, useStatus, useTopic } from "@spry-ws/client/react";
import React, { createElement as h, type ReactNode, StrictMode, useState, version } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createContainer } from "./container.ts";
import { open, type Process, startProcess, type TestClient } from "./live.ts";
import { LogService } from "./log-service.ts";
import { RoomService } from "./room-service.ts";

let process: Process;
let client: TestClient;
let cleanups: (() => void)[] = [];

beforeEach(async () => {
  process = await startProcess();
  client = open(process.network.url("/"));
});
afterEach(async () => {
  for (const cleanup of cleanups) cleanup();
  cleanups = [];
  client.close();
  await process[Symbol.asyncDispose]();
});

function mount(node: ReactNode) {
  const container = createContainer();
  const root = createRoot(container as never);
  const render = (next: ReactNode) => root.render(h(StrictMode, null, next));
  cleanups.push(() => root.unmount());
  render(node);
  return {
    render,
    unmount: () => root.unmount(),
    /** Waits until the page shows a text. */
    shows: (text: string) => expect.poll(() => container.textContent, { timeout: 5_000 }).toBe(text),
  };
}

describe(`with React ${version.split(".")[0]}, in StrictMode`, () => {
  it("useStatus shows what the client does", async () => {
    const Status = () => h("p", null, useStatus(client).state);
    const page = mount(h(Status));
    await page.shows("open");
    client.close();
    await page.shows("closed");
  });

  it("useTopic brings items, shares a subscription, and ends with the component", async () => {
    const Room = ({ room }: { room: string }) => {
      const [lines, setLines] = useState<string[]>([]);
      const state = useTopic(client, "rooms/:room", { room }, (item) => {
        if (item.type === "message") setLines((before) => [...before, item.data]);
      });
      return h("p", null, `${room} ${state} ${lines.join()};`);
    };
    const page = mount([h(Room, { room: "1", key: 1 }), h(Room, { room: "1", key: 2 })]);
    await page.shows("1 live ;1 live ;");
    expect(process.spry.metrics().topics).toBe(1);
    process.service.publish("rooms/:room", { room: "1" }, "a");
    process.service.publish("rooms/:room", { room: "1" }, "b");
    await page.shows("1 live a,b;1 live a,b;");
    page.render(h(Room, { room: "2" }));
    await page.shows("2 live ;");
    page.unmount();
    await expect.poll(() => process.spry.metrics().topics).toBe(0);
  });

  const { Activity } = React as { Activity?: typeof React.Activity };
  it.skipIf(!Activity)(
    "useTopic begins where it is told, and goes on where it was when it was hidden",
    async () => {
      const service = new LogService();
      const logs = service.connect(10);
      const pump = setInterval(() => service.isQuiet || void service.arrive(), 5);
      cleanups.push(() => {
        clearInterval(pump);
        logs.close();
      });
      service.log.publish(2);
      const Log = () => {
        const [lines, setLines] = useState<unknown[]>([]);
        const add = (item: TopicItem<number, number, string>) =>
          setLines((before) => [...before, item.type === "message" ? item.data : item.type]);
        useTopic(logs, "log", {}, add, { from: { last: 1 } });
        return h("p", null, lines.join());
      };
      const page = (mode: "visible" | "hidden") =>
        h(Activity as typeof React.Activity, { mode, children: h(Log) });
      const { render, shows } = mount(page("visible"));
      await shows("2");
      render(page("hidden"));
      await expect.poll(() => service.heard.at(-1)).toEqual(["u", "log"]);
      service.log.publish(2);
      render(page("visible"));
      await shows("2,3,4");
    },
  );

  it("usePresence shows who is there, and keeps it without a connection", async () => {
    const service = new RoomService();
    const rooms = service.connect();
    cleanups.push(() => rooms.close());
    service.set("a", 1);
    let renderings = 0;
    const There = () => {
      renderings++;
      const { members, count, isLive } = usePresence(rooms, "room", {});
      return h("p", null, `${[...members].flat().join("")} ${count} ${isLive};`);
    };
    const page = mount([h(There, { key: 1 }), h(There, { key: 2 })]);
    await page.shows(" 0 false; 0 false;");
    await service.arrive();
    await page.shows("a1 1 true;a1 1 true;");
    expect(service.kinds.match(/p1/g)).toHaveLength(1);
    service.set("b", 2);
    service.set("a", 3);
    await service.arrive();
    await page.shows("a3b2 2 true;a3b2 2 true;");
    service.cut();
    await page.shows("a3b2 2 false;a3b2 2 false;");
    service.delete("a");
    await service.arrive();
    await page.shows("b2 1 true;b2 1 true;");
    const before = renderings;
    page.unmount();
    await service.arrive();
    expect(service.kinds).toMatch(/u$/);
    service.set("c", 4);
    await service.arrive();
    expect(renderings).toBe(before);
  });

  it("useRequest asks, asks again when the input changes, and tells what failed", async () => {
    let state: RequestState<string> | undefined;
    const Reader = ({ input }: { input: unknown }) => {
      state = useRequest(client, "read", input as string);
      return h("p", null, state.isPending ? "…" : (state.error?.code ?? state.data));
    };
    const page = mount(h(Reader, { input: "a" }));
    await page.shows("ran a");
    page.render(h(Reader, { input: "b" }));
    await page.shows("ran b");
    page.render(h(Reader, { input: 1 }));
    await page.shows("invalid");
    expect(state?.data).toBe("ran b");
    const runs = process.ran.length;
    page.render(h(Reader, { input: "c" }));
    await page.shows("ran c");
    state?.refresh();
    await expect.poll(() => process.ran.length).toBeGreaterThan(runs + 1);
    await page.shows("ran c");
  });
});
