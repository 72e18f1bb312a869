import { createDeflateRaw, createInflateRaw } from "node:zlib";
import type { PerMessageDeflateOptions } from "./options.ts";

const defaults: PerMessageDeflateOptions = {
  threshold: 1024,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
};

const bounds: Readonly<Record<string, readonly [minimum: number, maximum: number]>> = {
  threshold: [0, Number.MAX_SAFE_INTEGER],
  concurrencyLimit: [1, Number.MAX_SAFE_INTEGER],
  // RFC 7692 section 7.1.2. With any other value zlib would throw at the first message.
  serverMaxWindowBits: [8, 15],
  clientMaxWindowBits: [8, 15],
};

/** The options of zlib that have a meaning here, and the function that checks their values. */
const zlibOptions = {
  zlibDeflateOptions: { names: ["chunkSize", "level", "memLevel", "strategy"], create: createDeflateRaw },
  zlibInflateOptions: { names: ["chunkSize"], create: createInflateRaw },
} as const;

const flags = ["serverNoContextTakeover", "clientNoContextTakeover"];
const names = [...Object.keys(bounds), ...flags, ...Object.keys(zlibOptions)].sort();

/** How a wrong option is reported: both throw. */
interface Complaint {
  fail(text: string): never;
  wrong(name: string, expected: string, value: unknown): never;
}

/** Checks the options, and fills in the defaults. `ws` itself takes any name and any value, and ignores what it does not know. */
export function resolveDeflate(given: object, complain: Complaint): PerMessageDeflateOptions {
  for (const [key, value] of Object.entries(given) as [string, unknown][]) {
    const name = `perMessageDeflate.${key}`;
    if (!names.includes(key)) complain.fail(`there is no option "${name}"; there are ${names.join(", ")}`);
    if (value === undefined) continue;
    if (flags.includes(key) && typeof value !== "boolean") complain.wrong(name, "true or false", value);
    if (key in zlibOptions) checkZlib(key as keyof typeof zlibOptions, value, complain);
    const [minimum, maximum] = bounds[key] ?? [];
    if (minimum === undefined || maximum === undefined) continue;
    if (Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum) continue;
    const range =
      maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
    complain.wrong(name, `a whole number ${range}`, value);
  }
  return { ...defaults, ...given };
}

function checkZlib(key: keyof typeof zlibOptions, given: unknown, complain: Complaint): void {
  const name = `perMessageDeflate.${key}`;
  const { names, create } = zlibOptions[key];
  if (typeof given !== "object" || given === null) throw complain.wrong(name, "an object", given);
  const unknown = Object.keys(given).find((one) => !(names as readonly string[]).includes(one));
  if (unknown === "windowBits")
    complain.fail(`"${name}.windowBits" has no effect: write serverMaxWindowBits or clientMaxWindowBits`);
  if (unknown !== undefined)
    complain.fail(`there is no option "${name}.${unknown}"; there are ${names.join(", ")}`);
  try {
    create(given).close();
  } catch (error) {
    complain.fail(`"${name}": ${(error as Error).message}`);
  }
}
