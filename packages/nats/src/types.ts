/** What is used of a NATS connection: `connect()` of `@nats-io/transport-node` gives one. */
export interface NatsConnectionLike {
  readonly info?: { readonly max_payload: number } | undefined;
  /** Those of `connect()` about pauses between attempts to connect again; the interface of the client does not show them. */
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
  /** Settles when the server has dealt with all that was sent before. */
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
