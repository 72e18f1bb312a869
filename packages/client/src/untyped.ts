import type { RequestOptions } from "./requests.ts";
import type { TopicHandle } from "./topics.ts";

/** A client without the types of its contract, for the React and Vue bindings, which have types of their own. */
export interface UntypedClient {
  request(name: string, input: unknown, options: RequestOptions): Promise<unknown>;
  topic(pattern: string, params: unknown): TopicHandle<unknown>;
}

export function untyped(client: object): UntypedClient {
  return client as UntypedClient;
}
