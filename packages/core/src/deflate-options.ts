import type { PerMessageDeflateOptions } from "./options.ts";

const defaults: PerMessageDeflateOptions = {
  threshold: 1024,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
};

const bounds: Readonly<Record<string, readonly [minimum: number, maximum: number]>> = {
  threshold: [0, Number.MAX_SAFE_INTEGER],
  concurrencyLimit: [1, Number.MAX_SAFE_INTEGER],
  // RFC 7692 section 7.1.2: anything else would fail with the first message, in zlib.
  serverMaxWindowBits: [8, 15],
  clientMaxWindowBits: [8, 15],
};

const flags = ["serverNoContextTakeover", "clientNoContextTakeover"];
const names = [...Object.keys(bounds), ...flags, "zlibDeflateOptions", "zlibInflateOptions"].sort();

/** How a wrong option is reported. */
interface Complaint {
  fail(text: string): never;
  wrong(name: string, expected: string, value: unknown): never;
}

/** Fills in the defaults. `ws` itself takes any name and any value, and ignores what it does not know. */
export function resolveDeflate(given: object, complain: Complaint): PerMessageDeflateOptions {
  for (const [key, value] of Object.entries(given) as [string, unknown][]) {
    const name = `perMessageDeflate.${key}`;
    if (!names.includes(key)) complain.fail(`there is no option "${name}"; there are ${names.join(", ")}`);
    if (value === undefined) continue;
    if (flags.includes(key) && typeof value !== "boolean") complain.wrong(name, "true or false", value);
    const [minimum, maximum] = bounds[key] ?? [];
    if (minimum === undefined || maximum === undefined) continue;
    if (Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum) continue;
    const range =
      maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
    complain.wrong(name, `a whole number ${range}`, value);
  }
  return { ...defaults, ...given };
}
