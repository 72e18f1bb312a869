import type { RequestOptions } from "./requests.ts";
import type { TopicHandle } from "./topics.ts";

/** A client without the types of its contract: for the bindings, whose own types say the same again. */
export interface UntypedClient {
  request(name: string, input: unknown, options: RequestOptions): Promise<unknown>;
  topic(pattern: string, params: unknown): TopicHandle<unknown>;
}

/** The same client. */
export function untyped(client: object): UntypedClient {
  return client as UntypedClient;
}
