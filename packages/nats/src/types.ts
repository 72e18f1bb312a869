/** What is used of a NATS connection: `connect()` of `@nats-io/transport-node` gives one. */
export interface NatsConnectionLike {
  readonly info?: { readonly max_payload: number } | undefined;
  /** The options of `connect()` about the pauses between attempts to reconnect. They are not in the client's own interface. */
  readonly options?:
    | {
        readonly reconnectTimeWait?: number;
        readonly reconnectJitter?: number;
        readonly reconnectJitterTLS?: number;
        readonly tls?: unknown;
      }
    | undefined;
  publish(subject: string, payload: Uint8Array): void;
  subscribe(
    subject: string,
    options: { callback(error: Error | null, message: { readonly data: Uint8Array }): void },
  ): NatsSubscriptionLike;
  /** Settles when the server has dealt with everything that was sent before. */
  flush(): Promise<void>;
  status(): AsyncIterable<NatsStatusLike>;
  closed(): Promise<unknown>;
  isClosed(): boolean;
}

/** What is used of a subscription of NATS. */
export interface NatsSubscriptionLike {
  unsubscribe(): void;
}

/** What is used of the events of `status()`. */
export interface NatsStatusLike {
  readonly type: string;
  readonly error?: Error;
}
