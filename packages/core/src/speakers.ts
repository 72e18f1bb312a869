/** Hooks that speak a subprotocol of their own with clients, as a service does. */
export interface Speaker {
  /** What its clients offer. */
  readonly subprotocol: string;
}

/** What has speakers: an instance, and the middleware that it is too. */
export interface Speaking {
  readonly speakers: Set<Speaker>;
}

/**
 * From here on the instance shows its refusals to clients that offer the speaker's subprotocol.
 *
 * @param spry an instance; with anything else, as what `createPublisher` makes, nothing happens
 */
export function addSpeaker(spry: object, speaker: Speaker): void {
  const { speakers } = spry as Partial<Speaking>;
  if (speakers instanceof Set) speakers.add(speaker);
}
