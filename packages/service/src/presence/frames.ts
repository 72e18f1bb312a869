import { SharedMessage } from "@spry-ws/core/adapter";
import { inParts } from "../parts.ts";

/** A frame that says who is there, for all who look. */
export interface PresenceFrame {
  readonly message: SharedMessage;
  readonly byteLength: number;
}

/** About how many bytes of members are in one frame. */
const partBytes = 65_536;

/** The whole list, in as many frames as it needs. */
export function listFrames(topic: string, members: ReadonlyMap<string, unknown>): PresenceFrame[] {
  const all = [...members].map((member) => JSON.stringify(member));
  const parts = all.length > 0 ? inParts(all, partBytes, sizeOf) : [[]];
  let from = 0;
  return parts.map((part) => {
    const frame = frameOf(topic, members.size, `,"all":[${part.join()}],"from":${from}`);
    from += part.length;
    return frame;
  });
}

/** What has become of members with these keys. */
export function changeFrames(
  topic: string,
  members: ReadonlyMap<string, unknown>,
  keys: Iterable<string>,
): PresenceFrame[] {
  const set: string[] = [];
  const gone: string[] = [];
  for (const key of keys)
    if (members.has(key)) set.push(JSON.stringify([key, members.get(key)]));
    else gone.push(JSON.stringify(key));
  return [
    ...inParts(gone, partBytes, sizeOf).map((part) =>
      frameOf(topic, members.size, `,"gone":[${part.join()}]`),
    ),
    ...inParts(set, partBytes, sizeOf).map((part) => frameOf(topic, members.size, `,"set":[${part.join()}]`)),
  ];
}

/** Only how many there are. */
export function countFrame(topic: string, count: number): PresenceFrame {
  return frameOf(topic, count, "");
}

function frameOf(topic: string, count: number, rest: string): PresenceFrame {
  const bytes = Buffer.from(`["P",${JSON.stringify(topic)},{"count":${count}${rest}}]`);
  return { message: new SharedMessage(bytes, true), byteLength: bytes.length };
}

/** With the comma behind it. */
function sizeOf(item: string): number {
  return Buffer.byteLength(item) + 1;
}
