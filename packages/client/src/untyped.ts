import type { Presence } from "./presence.ts";
import type { RequestOptions } from "./requests.ts";
import type { TopicFrom, TopicHandle, TopicItem } from "./topic.ts";

/** A client without the types of its contract, for the React and Vue bindings, which have types of their own. */
export interface UntypedClient {
  request(name: string, input: unknown, options: RequestOptions): Promise<unknown>;
  topic(
    pattern: string,
    params: unknown,
    options?: { readonly from: TopicFrom | undefined },
  ): TopicHandle<TopicItem<unknown, unknown, string | undefined>> & { readonly presence: Presence<unknown> };
}

export function untyped(client: object): UntypedClient {
  return client as UntypedClient;
}
