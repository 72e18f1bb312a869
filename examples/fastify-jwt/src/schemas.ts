import type { Message } from "@spry-ws/fastify";
import type { FastifyTypeProvider } from "fastify";
import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";

/** Each schema is JSON Schema for Fastify and a type for TypeScript. */
export const Login = Type.Object({ name: Type.String({ pattern: "^[\\w-]{1,24}$" }) });

/** What `POST /notes` takes, and a message on the WebSocket carries: written once, checked on both ways. */
export const Note = Type.Object(
  { text: Type.String({ minLength: 1, maxLength: 500 }) },
  { additionalProperties: false },
);

const ClientMessage = Type.Union([
  Type.Object({ type: Type.Literal("add"), note: Note }),
  Type.Object({ type: Type.Literal("renew"), token: Type.String({ maxLength: 2_000 }) }),
]);

/** Compiled once: checking a message is a plain function call. */
const clientMessage = Compile(ClientMessage);

/** What a client sent, or undefined where it is not what the schema says. */
export function parseMessage(message: Message): Static<typeof ClientMessage> | undefined {
  let value: unknown;
  try {
    value = message.json();
  } catch {
    return undefined;
  }
  return clientMessage.Check(value) ? value : undefined;
}

/** Lets Fastify infer `request.body` from a route's schema; what `@fastify/type-provider-typebox` exports. */
export interface TypeBoxTypeProvider extends FastifyTypeProvider {
  readonly validator: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
  readonly serializer: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
}
