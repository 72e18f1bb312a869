/** The root of the project; see documents.mjs. */
export const root: string;

export function documents(): string[];
