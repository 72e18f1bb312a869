/** Where a topic is kept. All keys and the channel are in the same slot of a cluster. */
export interface TopicKeys {
  readonly meta: string;
  readonly log: string;
  readonly channel: string;
  /** Of the key for each id. */
  readonly ids: string;
}

export function keysOf(prefix: string, topic: string): TopicKeys {
  // What the first pair of braces encloses decides about the slot, if it is not empty.
  const common = `${prefix}{${topic === "" ? "%" : encode(topic)}}`;
  return { meta: `${common}:meta`, log: `${common}:log`, channel: `${common}:new`, ids: `${common}:id:` };
}

/**
 * UTF-8 would turn every lone surrogate into the same replacement character, and a closing brace would end the part of the key that
 * decides about the slot.
 */
export function encode(text: string): string {
  return text.replace(
    /[%}\p{Surrogate}]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
