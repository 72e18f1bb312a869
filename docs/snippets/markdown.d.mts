/** A fenced code block; see markdown.mjs. */
export interface Block {
  readonly line: number;
  readonly language: string;
  readonly name: string;
  readonly code: readonly string[];
  readonly continues: boolean;
  readonly skipped: string | undefined;
}

export function blocksOf(text: string): Block[];
