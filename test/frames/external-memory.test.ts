import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("external-memory.mjs", import.meta.url));

// In a process of its own: what is counted are the garbage collections of the whole process.
it.each([
  { bytes: 16_384, messages: 20_000 },
  { bytes: 65_536, messages: 8_000 },
])(
  "an Express app that echoes $messages messages of $bytes bytes does not collect the whole heap over and over",
  async ({ bytes, messages }) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      program,
      String(bytes),
      String(messages),
    ]);
    const { echoed, scavenges, fullCollections } = JSON.parse(stdout) as Record<string, number>;
    expect(echoed).toBe(messages);
    expect(scavenges).toBeGreaterThan(0);
    // One belongs to the start of the app.
    expect(fullCollections).toBeLessThanOrEqual(2);
  },
  120_000,
);
