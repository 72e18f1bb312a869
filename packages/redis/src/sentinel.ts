/** Where a sentinel tells that it has made another server the master. */
export const switchChannel = "+switch-master";

/** A sentinel that does not answer is left for the next one after so long. It answers at once, as it has nothing else to do. */
export const sentinelMs = 1_500;

/** Between attempts to reach a sentinel that is watched. */
export const watchPauseMs = 1_000;

/** Whether a message of that channel is about this master. */
export function isSwitchOf(name: string | null | undefined, message: Buffer): boolean {
  return message.toString().startsWith(`${name} `);
}

/** Why a master is left that may still be there: connections to it stay if it does not answer, or nobody ends them. */
export function hasSwitched(): Error {
  return new Error("Sentinel has made another server the master");
}
