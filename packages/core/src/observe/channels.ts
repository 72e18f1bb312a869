import { type Channel, channel } from "node:diagnostics_channel";

/**
 * The `diagnostics_channel`s of this library (https://nodejs.org/api/diagnostics_channel.html), with what each publishes.
 * A channel without subscribers costs one comparison.
 *
 * | channel | message |
 * |---|---|
 * | `spry-ws:handshake` | `{ request }`: a handshake begins |
 * | `spry-ws:refused` | `{ request, reason }`: a handshake was not accepted; `reason` as in `metrics().refused` |
 * | `spry-ws:open` | `{ peer }` |
 * | `spry-ws:message` | `{ peer, message }`: a message was received, and its hook has not run yet |
 * | `spry-ws:close` | `{ peer, code, reason }` |
 * | `spry-ws:error` | `{ peer, error }`: an error for the `error` hook, whether there is one or not; before the 101 `{ request, error }`: what `upgrade` threw |
 * | `spry-ws:backplane` | `{ backplane, state, error?, durationMs? }`: `"down"` with the reason, `"up"` with the time since it was last heard |
 */
export const channels: Readonly<
  Record<"handshake" | "refused" | "open" | "message" | "close" | "error" | "backplane", Channel>
> = {
  handshake: channel("spry-ws:handshake"),
  refused: channel("spry-ws:refused"),
  open: channel("spry-ws:open"),
  message: channel("spry-ws:message"),
  close: channel("spry-ws:close"),
  error: channel("spry-ws:error"),
  backplane: channel("spry-ws:backplane"),
};
