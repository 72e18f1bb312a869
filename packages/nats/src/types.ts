/** What is used of a NATS connection: `connect()` of `@nats-io/transport-node` gives one. */
export interface NatsConnectionLike {
  readonly info?: { readonly max_payload: number } | undefined;
  /** Options of `connect()` that are not in the client's own interface: pauses between attempts to reconnect, and where answers go. */
  readonly options?:
    | {
        readonly reconnectTimeWait?: number;
        readonly reconnectJitter?: number;
        readonly reconnectJitterTLS?: number;
        readonly tls?: unknown;
        readonly inboxPrefix?: string;
      }
    | undefined;
  publish(
    subject: string,
    payload: Uint8Array,
    options?: { readonly reply?: string; readonly headers?: NatsHeadersLike },
  ): void;
  subscribe(
    subject: string,
    options: { callback(error: Error | null, message: NatsMessageLike): void },
  ): NatsSubscriptionLike;
  /** Settles when the server has dealt with everything that was sent before. */
  flush(): Promise<void>;
  status(): AsyncIterable<NatsStatusLike>;
  closed(): Promise<unknown>;
  isClosed(): boolean;
}

/** What is used of a message of NATS. */
export interface NatsMessageLike {
  readonly subject: string;
  readonly reply?: string | undefined;
  readonly data: Uint8Array;
  readonly headers?: NatsHeadersLike | undefined;
}

/** What is used of the headers of a message. */
export interface NatsHeadersLike {
  /** The status of an answer without a message, such as 404. 0 in a message. */
  readonly code: number;
  /** Empty where there is no such header. */
  get(name: string): string;
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
