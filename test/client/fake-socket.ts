import type { ClientFrame, ServerFrame } from "@spry-ws/contract/wire";

/** What a client has in place of a WebSocket. Frames are under way until the test delivers them. */
export class FakeSocket {
  binaryType = "";
  readyState = 0;
  readonly protocol = "spry.v1";
  readonly bufferedAmount = 0;
  onopen: (() => unknown) | null = null;
  onmessage: ((event: { data: string }) => unknown) | null = null;
  onclose: ((event: { code: number; reason: string }) => unknown) | null = null;
  onerror: (() => unknown) | null = null;
  readonly up: ClientFrame[] = [];
  readonly down: ServerFrame[] = [];

  send(data: string): void {
    this.up.push(JSON.parse(data));
  }

  close(): void {
    this.readyState = 3;
  }

  /** It is open when the client has had the time to listen. */
  openSoon(): void {
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }
}
