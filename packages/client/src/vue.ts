import type {
  Contract,
  PresenceData,
  PresencePattern,
  RequestInput,
  RequestName,
  RequestOutput,
  ServiceError,
  TopicParams,
  TopicPattern,
} from "@spry-ws/contract";
import {
  type MaybeRefOrGetter,
  onScopeDispose,
  onWatcherCleanup,
  type ShallowRef,
  shallowReadonly,
  shallowRef,
  toValue,
  watch,
} from "vue";
import type { Client } from "./client.ts";
import type { Status } from "./connection.ts";
import { nobody, type PresenceState, stateOf } from "./presence.ts";
import type { OptionsOf, TopicFrom, TopicItemOf, TopicState } from "./topic.ts";
import { untyped } from "./untyped.ts";

/** The status of a client. */
export function useStatus(
  client: Pick<Client<Contract>, "status" | "onStatus">,
): Readonly<ShallowRef<Status>> {
  const status = shallowRef(client.status);
  onScopeDispose(
    client.onStatus((now) => {
      status.value = now;
    }),
  );
  return shallowReadonly(status);
}

/**
 * Uses a topic as long as the component is mounted, and calls back with each item. When `params` change, it uses the other topic.
 * Components that use the same topic share one subscription.
 *
 * @returns whether messages come: `pending`, `live` or `refused`
 * @example
 * const lines = ref<string[]>([]);
 * useTopic(client, "rooms/:room", () => ({ room: props.room }), (item) => {
 *   if (item.type === "message") lines.value.push(item.data.text);
 * });
 */
export function useTopic<C extends Contract, Pattern extends TopicPattern<C>>(
  client: Client<C>,
  pattern: Pattern,
  params: MaybeRefOrGetter<TopicParams<Pattern>>,
  onItem: (item: TopicItemOf<C, Pattern>) => void,
  ...[{ from } = {}]: OptionsOf<C, Pattern, MaybeRefOrGetter<TopicFrom | undefined>>
): Readonly<ShallowRef<TopicState>> {
  const state = shallowRef<TopicState>("pending");
  watch(
    () => JSON.stringify(toValue(params)),
    (key) => {
      const handle = untyped(client).topic(pattern, JSON.parse(key), { from: toValue(from) });
      state.value = handle.state;
      handle.onItem((item) => onItem(item as never));
      handle.onState((now) => {
        state.value = now;
      });
      onWatcherCleanup(() => handle.close());
    },
    { immediate: true },
  );
  return shallowReadonly(state);
}

/**
 * Who is there in a topic, as long as the component is mounted. When `params` change, it is the other topic's. It subscribes to the topic,
 * and shares the subscription with other components that use it.
 *
 * @example
 * const presence = usePresence(client, "rooms/:room", () => ({ room: props.room }));
 * // <li v-for="[id, { name }] of presence.members" :key="id">{{ name }}</li>
 */
export function usePresence<C extends Contract, Pattern extends PresencePattern<C>>(
  client: Client<C>,
  pattern: Pattern,
  params: MaybeRefOrGetter<TopicParams<Pattern>>,
): Readonly<ShallowRef<PresenceState<PresenceData<C, Pattern>>>> {
  const state = shallowRef(nobody);
  watch(
    () => JSON.stringify(toValue(params)),
    (key) => {
      const handle = untyped(client).topic(pattern, JSON.parse(key));
      const { presence } = handle;
      const update = () => {
        state.value = stateOf(presence);
      };
      presence.listen(update);
      update();
      onWatcherCleanup(() => handle.close());
    },
    { immediate: true },
  );
  return shallowReadonly(state) as Readonly<ShallowRef<PresenceState<PresenceData<C, Pattern>>>>;
}

/** What `useRequest` knows of its request. */
export interface RequestState<Output> {
  /** The last answer. It stays while the next one is awaited. */
  readonly data: Readonly<ShallowRef<Output | undefined>>;
  /** Why the last request failed; undefined when a later one was answered. */
  readonly error: Readonly<ShallowRef<ServiceError | undefined>>;
  readonly isPending: Readonly<ShallowRef<boolean>>;
  /** Asks again. */
  refresh(): void;
}

/**
 * Asks the service when the component is mounted, and again when the input changes. Use it for requests that only read. One that
 * changes something belongs in an event handler: `@click="client.request('say', …)"`.
 *
 * @param input has changed when its JSON is another
 */
export function useRequest<C extends Contract, Name extends RequestName<C>>(
  client: Client<C>,
  name: Name,
  input: MaybeRefOrGetter<RequestInput<C, Name>>,
): RequestState<RequestOutput<C, Name>> {
  const data = shallowRef<RequestOutput<C, Name>>();
  const error = shallowRef<ServiceError>();
  const isPending = shallowRef(true);
  const round = shallowRef(0);
  watch(
    [() => JSON.stringify(toValue(input)), round],
    ([key]) => {
      const controller = new AbortController();
      const { signal } = controller;
      onWatcherCleanup(() => controller.abort());
      isPending.value = true;
      const settle = (end: () => void) => {
        if (signal.aborted) return;
        end();
        isPending.value = false;
      };
      const asked = key === undefined ? undefined : JSON.parse(key);
      untyped(client)
        .request(name, asked, { signal })
        .then(
          (output) =>
            settle(() => {
              data.value = output as RequestOutput<C, Name>;
              error.value = undefined;
            }),
          (failure: ServiceError) =>
            settle(() => {
              error.value = failure;
            }),
        );
    },
    { immediate: true },
  );
  return {
    data: shallowReadonly(data) as RequestState<RequestOutput<C, Name>>["data"],
    error: shallowReadonly(error),
    isPending: shallowReadonly(isPending),
    refresh: () => {
      round.value++;
    },
  };
}
