/** The channel on which a sentinel tells that another server is the master now. */
export const switchChannel = "+switch-master";

/** How long a sentinel may take to answer; then the next one is asked. A sentinel that works answers at once. */
export const sentinelMs = 1_500;

/** The pause between two attempts to reach a sentinel that is watched. */
export const watchPauseMs = 1_000;

/** Whether a message on `switchChannel` is about the master of this name. */
export function isSwitchOf(name: string | null | undefined, message: Buffer): boolean {
  return message.toString().startsWith(`${name} `);
}

/** Why the connections to the old master are given up. They may still be open, as nobody else closes them. */
export function switchedError(): Error {
  return new Error("Sentinel has made another server the master");
}
