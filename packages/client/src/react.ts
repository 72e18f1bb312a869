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
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Client } from "./client.ts";
import type { Status } from "./connection.ts";
import { nobody, type PresenceState, stateOf } from "./presence.ts";
import type { OptionsOf, TopicItemOf, TopicState } from "./topic.ts";
import { untyped } from "./untyped.ts";

/** The status that a server renders. */
const onServer: Status = { state: "connecting" };

/**
 * The status of a client. The component renders again with each change.
 *
 * @example
 * const { state } = useStatus(client);
 * return state === "open" ? null : <p>Connecting …</p>;
 */
export function useStatus(client: Pick<Client<Contract>, "status" | "onStatus">): Status {
  return useSyncExternalStore(
    useCallback((changed) => client.onStatus(changed), [client]),
    () => client.status,
    () => onServer,
  );
}

/**
 * Uses a topic as long as the component is mounted, and calls back with each item. Components that use the same topic share one
 * subscription.
 *
 * @param onItem may be another function in each rendering: the latest is called
 * @param rest of a durable topic: where to begin, when the component is mounted or the topic is another
 * @returns whether messages come: `pending`, `live` or `refused`
 * @example
 * const [lines, setLines] = useState<string[]>([]);
 * useTopic(client, "rooms/:room", { room }, (item) => {
 *   if (item.type === "message") setLines((lines) => [...lines, item.data.text]);
 * });
 */
export function useTopic<C extends Contract, Pattern extends TopicPattern<C>>(
  client: Client<C>,
  pattern: Pattern,
  params: TopicParams<Pattern>,
  onItem: (item: TopicItemOf<C, Pattern>) => void,
  ...[options]: OptionsOf<C, Pattern>
): TopicState {
  const latest = useRef({ onItem, options });
  useEffect(() => {
    latest.current = { onItem, options };
  });
  const key = JSON.stringify(params);
  const store = useMemo(() => {
    let state: TopicState = "pending";
    let position: string | undefined;
    return {
      state: () => state,
      subscribe(changed: () => void) {
        // React may unmount and mount a component that keeps its state (StrictMode, Activity): that goes on where it was.
        const from = position ?? latest.current.options?.from;
        const handle = untyped(client).topic(pattern, JSON.parse(key), { from });
        state = handle.state;
        handle.onItem((item) => {
          position = item.position;
          latest.current.onItem(item as never);
        });
        handle.onState((now) => {
          state = now;
          changed();
        });
        return () => handle.close();
      },
    };
  }, [client, pattern, key]);
  return useSyncExternalStore(store.subscribe, store.state, store.state);
}

/**
 * Who is there in a topic, as long as the component is mounted. The component renders again with each change. It subscribes to the topic,
 * and shares the subscription with other components that use it.
 *
 * @example
 * const { members } = usePresence(client, "rooms/:room", { room });
 * return <ul>{[...members].map(([id, { name }]) => <li key={id}>{name}</li>)}</ul>;
 */
export function usePresence<C extends Contract, Pattern extends PresencePattern<C>>(
  client: Client<C>,
  pattern: Pattern,
  params: TopicParams<Pattern>,
): PresenceState<PresenceData<C, Pattern>> {
  const key = JSON.stringify(params);
  const store = useMemo(() => {
    let state = nobody;
    return {
      state: () => state,
      subscribe(changed: () => void) {
        const handle = untyped(client).topic(pattern, JSON.parse(key));
        const { presence } = handle;
        const update = () => {
          state = stateOf(presence);
          changed();
        };
        presence.listen(update);
        update();
        return () => handle.close();
      },
    };
  }, [client, pattern, key]);
  return useSyncExternalStore(store.subscribe, store.state, store.state) as PresenceState<
    PresenceData<C, Pattern>
  >;
}

/** What `useRequest` knows of its request. */
export interface RequestState<Output> {
  /** The last answer. It stays while the next one is awaited. */
  readonly data: Output | undefined;
  /** Why the last request failed; undefined when a later one was answered. */
  readonly error: ServiceError | undefined;
  readonly isPending: boolean;
  /** Asks again. */
  refresh(): void;
}

/**
 * Asks the service when the component is mounted, and again when the input changes. Use it for requests that only read. One that
 * changes something belongs in an event handler: `onClick={() => client.request("say", …)}`.
 *
 * @param input has changed when its JSON is another
 */
export function useRequest<C extends Contract, Name extends RequestName<C>>(
  client: Client<C>,
  name: Name,
  input: RequestInput<C, Name>,
): RequestState<RequestOutput<C, Name>> {
  type Output = RequestOutput<C, Name>;
  const [answer, setAnswer] = useState<Omit<RequestState<Output>, "refresh">>({
    data: undefined,
    error: undefined,
    isPending: true,
  });
  const [round, setRound] = useState(0);
  const key = JSON.stringify(input);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` is what asks again
  useEffect(() => {
    const controller = new AbortController();
    setAnswer(({ data, error }) => ({ data, error, isPending: true }));
    const asked = key === undefined ? undefined : JSON.parse(key);
    untyped(client)
      .request(name, asked, { signal: controller.signal })
      .then(
        (data) =>
          controller.signal.aborted ||
          setAnswer({ data: data as Output, error: undefined, isPending: false }),
        (error: ServiceError) =>
          controller.signal.aborted || setAnswer(({ data }) => ({ data, error, isPending: false })),
      );
    return () => controller.abort();
  }, [client, name, key, round]);
  const refresh = useCallback(() => setRound((round) => round + 1), []);
  return { ...answer, refresh };
}
