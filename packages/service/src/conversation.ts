import { ServiceError } from "@spry-ws/contract";
import { type ClientFrame, decodeClientFrame, encodeFrame, WireError } from "@spry-ws/contract/wire";
import type { Message, Peer } from "@spry-ws/core";
import { type CallRequest, runRequest, runStream } from "./calls.ts";
import { Cancellation } from "./cancellation.ts";
import type { ResolvedLimits } from "./options.ts";
import type { Encoded, Session, SessionConnection } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { Subscriptions, type SubscriptionsOwner } from "./subscriptions.ts";

/** What a conversation needs of its service. */
export interface ConversationOwner extends SubscriptionsOwner {
  readonly limits: ResolvedLimits;
  readonly sessions: Sessions;
  /** The hello has come, and is valid: calls the user's `open`. */
  opened(peer: Peer): unknown;
}

/** What one client says on one connection, from its hello to the end of the connection. Only dispatches frames: nothing waits here. */
export class Conversation implements SessionConnection {
  readonly peer: Peer;
  readonly #owner: ConversationOwner;
  #clientId = "";
  #session: Session | undefined;
  #subscriptions: Subscriptions | undefined;
  /** The streams under way, which end with the connection. */
  #streams: Map<number, Cancellation> | undefined;
  #helloTimer: NodeJS.Timeout | undefined;
  /** The service ends: no further request runs. */
  #isEnding = false;
  /** Events and tokens whose handlers have not ended. */
  #underWay = 0;

  constructor(owner: ConversationOwner, peer: Peer) {
    this.#owner = owner;
    this.peer = peer;
    this.#helloTimer = setTimeout(
      () => void peer.close(4408, "no hello"),
      owner.limits.helloTimeoutMs,
    ).unref();
  }

  get peerId(): string {
    return this.peer.id;
  }

  /** Whether a valid hello has come. */
  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  send(frame: Encoded): void {
    this.peer.send(frame);
  }

  replaced(): void {
    void this.peer.close(4409, "connected anew");
  }

  /** @returns the promise of the user's `open`, if it has one: the next message waits for it */
  receive(message: Message): unknown {
    let frame: ClientFrame | undefined;
    try {
      frame = decodeClientFrame(message.raw);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.peer.close(4400, error.message);
    }
    if (frame === undefined) return undefined;
    if (frame[0] === "h") return this.#onHello(frame);
    const session = this.#session;
    if (!session) return this.peer.close(4400, "the first frame must be a hello");
    this.#dispatch(frame, session);
    return undefined;
  }

  /** The service ends. @returns resolves when the requests under way are answered; undefined if there are none */
  settle(): Promise<void> | undefined {
    this.#isEnding = true;
    return this.#session?.settled();
  }

  /** The connection has ended. @param mayComeBack the client may have another one soon */
  end(mayComeBack: boolean): void {
    clearTimeout(this.#helloTimer);
    for (const stream of this.#streams?.values() ?? []) stream.abort();
    this.#subscriptions?.end(mayComeBack);
    if (this.#session) this.#owner.sessions.detach(this.#clientId, this);
  }

  #onHello([, clientId, subscriptions, version]: ClientFrame & readonly ["h", ...unknown[]]): unknown {
    const { definitions, limits, sessions } = this.#owner;
    if (this.#session) return this.peer.close(4400, "a second hello");
    if (clientId.length < 16 || clientId.length > 64)
      return this.peer.close(4400, "a client id has 16 to 64 characters");
    if (subscriptions.length > 8 * limits.maxSubscriptions)
      return this.peer.close(4400, "too many subscriptions");
    if (definitions.version !== undefined && version !== definitions.version)
      return this.peer.close(4426, `this is version ${definitions.version}`);
    clearTimeout(this.#helloTimer);
    this.#helloTimer = undefined;
    this.#clientId = clientId;
    this.#session = sessions.attach(clientId, this);
    this.peer.send(encodeFrame(["h", this.peer.id, limits.heartbeatMs]));
    for (const [topic, position] of subscriptions) this.#topics.subscribe(topic, position);
    return this.#owner.opened(this.peer);
  }

  #dispatch(frame: ClientFrame, session: Session): void {
    switch (frame[0]) {
      case undefined:
        this.peer.send("[]");
        return;
      case "s":
        this.#topics.subscribe(frame[1], frame[2]);
        return;
      case "u":
        this.#topics.unsubscribe(frame[1], (frame[2] ?? 0) > 0);
        return;
      case "p":
        this.#topics.look(frame[1], frame[2] > 0);
        return;
      case "q":
        this.#onRequest(session, frame);
        return;
      case "x":
        session.cancel(frame[1]);
        this.#streams?.get(frame[1])?.abort();
        return;
      case "a":
        session.confirm(frame[1]);
        return;
      case "e":
        this.#onEvent(frame[1], frame[2]);
        return;
      case "t":
        this.#onToken(frame[1]);
    }
  }

  get #topics(): Subscriptions {
    this.#subscriptions ??= new Subscriptions(this.#owner, this.peer);
    return this.#subscriptions;
  }

  #onRequest(session: Session, [, n, name, input, first]: ClientFrame & readonly ["q", ...unknown[]]): void {
    if (session.resendAnswer(n) || this.#streams?.has(n)) return;
    if (this.#isEnding) {
      this.#fail(n, "unavailable", "the service is about to end, and the request did not run; send it again");
      return;
    }
    const definition = this.#owner.definitions.request(name);
    const handler = this.#owner.handlers.requests[name];
    if (!definition || !handler) {
      this.#fail(n, "unknown", `there is no request "${name}"`);
      return;
    }
    const isNew = first === undefined || first === null || session.remembers(first);
    if (!isNew && !definition.repeatable) {
      this.#fail(n, "lost", "the connection was lost, and it is not known whether the request ran");
      return;
    }
    if (session.isFull || (this.#streams?.size ?? 0) >= this.#owner.limits.maxRequests) {
      this.#fail(n, "limit", "too many requests are under way, or answers not confirmed");
      return;
    }
    const cancellation = definition.stream ? new Cancellation() : session.begin(n);
    const call: CallRequest = {
      n,
      name,
      input,
      definition,
      handler,
      peer: this.peer,
      clientId: this.#clientId,
      cancellation,
      report: this.#owner.report,
    };
    if (definition.stream) {
      this.#runStream(call);
      return;
    }
    const answer = runRequest(call);
    if (answer instanceof Promise) void answer.then((encoded) => session.answer(n, encoded));
    else session.answer(n, answer);
  }

  #runStream(call: CallRequest): void {
    const { n } = call;
    this.#streams ??= new Map();
    this.#streams.set(n, call.cancellation);
    void runStream(call).then(() => this.#streams?.delete(n));
  }

  /** An event has no number and no answer. Its failure is sent with the number 0. */
  #onEvent(name: string, input: unknown): void {
    const { definitions, handlers, report } = this.#owner;
    this.#run(
      () => {
        const argument = definitions.eventInput(name, input);
        return handlers.events[name]?.(this.peer, argument);
      },
      (error) => {
        if (!(error instanceof ServiceError)) report(this.peer, error);
        else this.#fail(0, error.code, error.message, error.issues);
      },
    );
  }

  #onToken(token: string): void {
    const { handlers, report } = this.#owner;
    const refused = (error: unknown) => {
      if (!(error instanceof ServiceError)) report(this.peer, error);
      void this.peer.close(4401, "the token was refused");
    };
    const renew = (expiresAt: unknown) => {
      if (expiresAt !== undefined) this.peer.renew(expiresAt as Date | number);
    };
    this.#run(async () => renew(await handlers.token?.(this.peer, token)), refused);
  }

  /** Runs the handler of an event or token. As many may be under way as requests may; further ones fail with `limit`. Never throws. */
  #run(work: () => unknown, failed: (error: unknown) => void): void {
    if (this.#underWay >= this.#owner.limits.maxRequests) {
      this.#fail(0, "limit", "too many events are under way");
      return;
    }
    try {
      const result = work();
      if (typeof (result as PromiseLike<unknown> | undefined)?.then !== "function") return;
      this.#underWay++;
      void Promise.resolve(result)
        .then(undefined, failed)
        .finally(() => this.#underWay--);
    } catch (error) {
      failed(error);
    }
  }

  #fail(n: number, code: string, message: string, issues?: ServiceError["issues"]): void {
    this.peer.send(encodeFrame(["f", n, { code, message, ...(issues && { issues }) }]));
  }
}
