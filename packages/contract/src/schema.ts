import type { StandardSchemaV1 } from "@standard-schema/spec";
import { contractError, ServiceError, toIssues } from "./errors.ts";

/**
 * A schema of any library that implements Standard Schema (https://standardschema.dev), like zod, valibot and arktype. Its checks must
 * be synchronous: a schema that answers with a promise is refused.
 */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** The type of a value before validation, as its sender gives it: the input of the schema. */
export type InputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : undefined;

/** The type of a value after validation: the output of the schema, with its defaults and transformations. */
export type OutputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : undefined;

/** Whether a value is a schema. The schemas of arktype are functions. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard = (value as Partial<Schema>)["~standard"];
  return standard?.version === 1 && typeof standard.validate === "function";
}

/**
 * Validates a value. Returns the output of the schema.
 *
 * @param what names the value in an error: `the input of "say"`
 * @throws ServiceError `invalid`, with the issues, for a value that does not fit
 * @throws TypeError `SPRY_WS_CONTRACT` for a schema that answers with a promise
 */
export function parse<S extends Schema>(schema: S, value: unknown, what: string): OutputOf<S> {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    result.then(undefined, () => {}); // Its rejection must not end the process.
    throw contractError(
      `${what}: the schema checks asynchronously, which a contract cannot wait for; check such things in the handler`,
    );
  }
  if (result.issues)
    throw new ServiceError("invalid", `${what} is invalid`, { issues: toIssues(result.issues) });
  return result.value as OutputOf<S>;
}

/**
 * Checks a value that this side is about to send. It is sent as it is, since JSON may not be able to carry the output of the schema. A
 * value that does not fit is a mistake of the sender, of which the receiver is not told.
 *
 * @throws TypeError `SPRY_WS_CONTRACT`, with the issues in its text
 */
export function assertFits(schema: Schema, value: unknown, what: string): void {
  try {
    parse(schema, value, what);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const issues = error.issues?.map(({ message, path }) =>
      path ? `${path.join(".")}: ${message}` : message,
    );
    throw contractError(`${what} does not fit the contract: ${issues?.join("; ")}`);
  }
}
