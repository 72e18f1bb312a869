import type { StandardSchemaV1 } from "@standard-schema/spec";
import { contractError, ServiceError, toIssues } from "./errors.ts";

/**
 * What describes a value: a schema of any library that implements Standard Schema (https://standardschema.dev), which zod,
 * valibot and arktype do. It must answer at once; schemas with asynchronous checks are refused.
 */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** What whoever sends a value gives: the input of the schema. */
export type InputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : undefined;

/** What whoever validates a value gets: the output of the schema, after its defaults and transformations. */
export type OutputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : undefined;

/** Whether a value is a schema. Those of arktype are functions. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard = (value as Partial<Schema>)["~standard"];
  return standard?.version === 1 && typeof standard.validate === "function";
}

/**
 * The output of the schema for a value.
 *
 * @param what names the value in an error: `the input of "say"`
 * @throws ServiceError `invalid`, with the issues, for a value that does not fit
 * @throws TypeError `SPRY_WS_CONTRACT` for a schema that answers with a promise
 */
export function parse<S extends Schema>(schema: S, value: unknown, what: string): OutputOf<S> {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    result.then(undefined, () => {}); // Whatever comes of it is not waited for.
    throw contractError(
      `${what}: the schema checks asynchronously, which a contract cannot wait for; check such things in the handler`,
    );
  }
  if (result.issues)
    throw new ServiceError("invalid", `${what} is invalid`, { issues: toIssues(result.issues) });
  return result.value as OutputOf<S>;
}

/**
 * Checks what this side sends: it goes out as it is, since a schema's output may be what JSON cannot carry. That it does not fit is
 * a mistake of the sender's, and none that the receiver is told of.
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
