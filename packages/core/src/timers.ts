/** setTimeout's longest delay, in milliseconds: 24.8 days. A longer one fires at once. */
export const maxTimeoutMs: number = 2 ** 31 - 1;
