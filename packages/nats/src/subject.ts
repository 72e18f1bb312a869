import { createHash } from "node:crypto";

/** What a part of a subject may be made of without a meaning to NATS, or to those who read its logs. */
const plain = /^[\w:/@~+-]$/;
/** Longer ones are hashed. A server refuses lines of more than 4096 bytes. */
const maxLength = 200;

/** A prefix is one or more parts with dots between them. `$` begins the subjects of the server. */
export function isPrefix(text: string): boolean {
  return /^[\w:/@~+-]+(\.[\w:/@~+-]+)*$/.test(text);
}

/**
 * The subject of a topic: the prefix and one more part, whatever the topic is, so that no topic is a wildcard or an invalid
 * subject. What is not plain in it is written as `=` and four hexadecimal digits for each UTF-16 code unit (so lone surrogates
 * stay apart), the empty topic as `=`, and a long one as `=h` and its SHA-256, neither of which the first can be.
 */
export function subjectOf(prefix: string, topic: string): string {
  return `${prefix}.${topic === "" ? "=" : encode(topic)}`;
}

function encode(topic: string): string {
  if (topic.length <= maxLength) {
    let text = "";
    for (let index = 0; index < topic.length; index++) {
      const unit = topic.charAt(index);
      text += plain.test(unit) ? unit : `=${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    }
    if (text.length <= maxLength) return text;
  }
  return `=h${createHash("sha256").update(Buffer.from(topic, "utf16le")).digest("base64url")}`;
}
