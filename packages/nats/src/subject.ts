import { createHash } from "node:crypto";

/** The characters of a topic that stand in its subject as they are: they mean nothing to NATS, and are readable in its logs. */
const plain = /^[\w:/@~+-]$/;
/** The longest part for a topic, in characters; that of a longer topic is a hash. A server refuses lines of more than 4096 bytes. */
const maxLength = 200;

/** A prefix is one or more parts with dots between them. `$` begins the subjects of the server. */
export function isPrefix(text: string): boolean {
  return /^[\w:/@~+-]+(\.[\w:/@~+-]+)*$/.test(text);
}

/**
 * The subject of a topic: the prefix and exactly one more part, so that no topic is a wildcard or an invalid subject. In that part
 * a UTF-16 code unit that is not plain is written as `=` and its four hexadecimal digits, so that different lone surrogates stay
 * different. The empty topic is `=`, and a long one is `=h` and its SHA-256: no other topic is written like these.
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
