// @vitest-environment jsdom
import { usePresence, useRequest, useStatus, useTopic } from "@spry-ws/client/vue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApp, h, ref } from "vue";
import { createContainer } from "./container.ts";
import { open, type Process, startProcess, type TestClient } from "./live.ts";
import { LogService } from "./log-service.ts";
import { RoomService } from "./room-service.ts";

let process: Process;
let client: TestClient;

beforeEach(async () => {
  process = await startProcess();
  client = open(process.network.url("/"));
});
afterEach(async () => {
  client.close();
  await process[Symbol.asyncDispose]();
});

function mount(setup: () => () => string) {
  const container = createContainer();
  const app = createApp({
    setup() {
      const text = setup();
      return () => h("p", text());
    },
  });
  app.mount(container as never);
  return {
    unmount: () => app.unmount(),
    shows: (text: string) => expect.poll(() => container.textContent, { timeout: 5_000 }).toBe(text),
  };
}

describe("with Vue", () => {
  it("useStatus shows what the client does", async () => {
    const page = mount(() => {
      const status = useStatus(client);
      return () => status.value.state;
    });
    await page.shows("open");
    client.close();
    await page.shows("closed");
  });

  it("useTopic brings items, follows its parameters, and ends with the component", async () => {
    const room = ref("1");
    const page = mount(() => {
      const lines = ref<string[]>([]);
      const state = useTopic(
        client,
        "rooms/:room",
        () => ({ room: room.value }),
        (item) => {
          if (item.type === "message") lines.value.push(item.data);
        },
      );
      return () => `${room.value} ${state.value} ${lines.value.join()}`;
    });
    await page.shows("1 live ");
    process.service.publish("rooms/:room", { room: "1" }, "a");
    await page.shows("1 live a");
    room.value = "2";
    await page.shows("2 live a");
    process.service.publish("rooms/:room", { room: "2" }, "b");
    await page.shows("2 live a,b");
    expect(process.spry.metrics().topics).toBe(1);
    page.unmount();
    await expect.poll(() => process.spry.metrics().topics).toBe(0);
  });

  it("useTopic begins where it is told, and brings snapshots", async () => {
    const service = new LogService(true);
    const logs = service.connect(10);
    service.log.publish(3);
    const page = mount(() => {
      const lines = ref<string[]>([]);
      const add = (line: string) => lines.value.push(line);
      useTopic(logs, "log", {}, ({ type }) => add(type), { from: () => ({ last: 2 }) });
      useTopic(logs, "log", {}, (item) => item.type === "snapshot" && add(`snapshot ${item.data}`));
      return () => lines.value.join();
    });
    await service.arrive();
    await page.shows("message,message,snapshot 3");
    page.unmount();
    logs.close();
  });

  it("usePresence shows who is there, keeps it without a connection, and ends with the component", async () => {
    const service = new RoomService();
    const rooms = service.connect();
    service.set("a", 1);
    const page = mount(() => {
      const presence = usePresence(rooms, "room", {});
      return () => {
        const { members, count, isLive } = presence.value;
        return `${[...members].flat().join("")} ${count} ${isLive}`;
      };
    });
    await page.shows(" 0 false");
    await service.arrive();
    await page.shows("a1 1 true");
    service.set("b", 2);
    await service.arrive();
    await page.shows("a1b2 2 true");
    service.cut();
    await page.shows("a1b2 2 false");
    service.delete("a");
    await service.arrive();
    await page.shows("b2 1 true");
    page.unmount();
    await service.arrive();
    expect(service.kinds).toMatch(/u$/);
    rooms.close();
  });

  it("useRequest asks, asks again when the input changes or it is told to, and tells what failed", async () => {
    const input = ref<unknown>("a");
    let refresh = () => {};
    const page = mount(() => {
      const asked = useRequest(client, "read", () => input.value as string);
      refresh = asked.refresh;
      return () => (asked.isPending.value ? "…" : (asked.error.value?.code ?? String(asked.data.value)));
    });
    await page.shows("ran a");
    input.value = 1;
    await page.shows("invalid");
    input.value = "b";
    await page.shows("ran b");
    refresh();
    await expect.poll(() => process.ran).toEqual(["a", "b", "b"]);
    await page.shows("ran b");
  });
});
