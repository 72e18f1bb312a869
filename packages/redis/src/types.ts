/** What is used of an ioredis `Redis`. */
export interface IoRedisLike {
  readonly status: string;
  readonly isCluster: boolean;
  readonly options: IoRedisOptionsLike;
  /** The socket, once there is one. */
  readonly stream?: { on(event: "error", listener: (error: Error) => void): unknown };
  duplicate(options?: object): IoRedisLike;
  connect(): Promise<unknown>;
  disconnect(): void;
  ping(): Promise<unknown>;
  call(command: string): Promise<unknown>;
  pipeline(): IoRedisPipelineLike;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  on(event: "messageBuffer" | "smessageBuffer", listener: (channel: Buffer, data: Buffer) => void): unknown;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** What is used of the options of ioredis. */
export interface IoRedisOptionsLike {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly name?: string | null | undefined;
  readonly sentinels?: readonly { readonly host?: string; readonly port?: number }[] | null | undefined;
  readonly sentinelUsername?: string | null | undefined;
  readonly sentinelPassword?: string | null | undefined;
  readonly sentinelTLS?: object | undefined;
}

/** What is used of a pipeline of ioredis. */
export interface IoRedisPipelineLike {
  call(command: string, args: (string | Buffer)[]): unknown;
  callBuffer(command: string, args: (string | Buffer)[]): unknown;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

/** What is used of an ioredis `Cluster`. */
export interface IoRedisClusterLike {
  readonly isCluster: boolean;
  /** For each slot the `host:port` of its nodes, the master first. */
  readonly slots: string[][];
  duplicate(startupNodes?: never[], options?: object): IoRedisClusterLike;
  nodes(role?: "master"): IoRedisLike[];
  connect(): Promise<unknown>;
  disconnect(): void;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** What is used of a client of node-redis' `createClient`. */
export interface NodeRedisLike {
  readonly isReady: boolean;
  readonly options?: { readonly socket?: object } | undefined;
  duplicate(options?: object): NodeRedisLike;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: (string | Buffer)[], options?: object): Promise<unknown>;
  subscribe(channels: string[], listener: BufferListener, bufferMode: true): Promise<unknown>;
  unsubscribe(channels: string[], listener: BufferListener, bufferMode: true): Promise<unknown>;
  sSubscribe(channels: string[], listener: BufferListener, bufferMode: true): Promise<unknown>;
  sUnsubscribe(channels: string[], listener: BufferListener, bufferMode: true): Promise<unknown>;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** What node-redis calls with a message of a subscribed channel. */
export type BufferListener = (message: Buffer, channel: Buffer) => void;

/** What is used of a client of node-redis' `createCluster`. */
export interface NodeRedisClusterLike {
  readonly slots: readonly ({ readonly master: NodeRedisNodeLike } | undefined)[];
  readonly masters: readonly NodeRedisNodeLike[];
  duplicate(options?: object): NodeRedisClusterLike;
  connect(): Promise<unknown>;
  destroy(): void;
  nodeClient(node: never): NodeRedisLike | Promise<NodeRedisLike>;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** A node of a cluster, as node-redis lists it. */
export interface NodeRedisNodeLike {
  readonly address: string;
}

/** What is used of a client of node-redis' `createSentinel`. */
export interface NodeRedisSentinelLike {
  readonly isOpen: boolean;
  /** Of version 6. */
  duplicate?(options?: object): NodeRedisSentinelLike;
  connect(): Promise<unknown>;
  destroy(): Promise<void>;
  getMasterNode(): unknown;
  /** Calls the function with the client that is connected to the master. */
  _execute<T>(isReadonly: boolean, use: (client: NodeRedisLike) => Promise<T>): Promise<T>;
  on(event: string, listener: (event: { readonly type?: string }) => void): unknown;
  off(event: string, listener: (event: { readonly type?: string }) => void): unknown;
}

/** A client of ioredis 5 or 6 (`Redis`, `Cluster`) or of node-redis 5 or 6 (`createClient`, `createCluster`, `createSentinel`). */
export type RedisLike =
  | IoRedisLike
  | IoRedisClusterLike
  | NodeRedisLike
  | NodeRedisClusterLike
  | NodeRedisSentinelLike;
