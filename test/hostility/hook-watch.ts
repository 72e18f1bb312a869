import {
  type Event,
  getClientAddress,
  type Hooks,
  type Peer,
  useHeaders,
  useParams,
  useRequest,
  useRequestURI,
} from "@spry-ws/core";
import type { ErrorLedger } from "./error-ledger.ts";

/** The hooks that one peer has seen. */
interface Life {
  readonly calls: string[];
  running: string | undefined;
  hasClosed: boolean;
}

const kLife = Symbol("life");
const kAddress = Symbol("address");

/**
 * Wraps hooks and checks what every peer is promised: `open` once and first, `close` once and last, no hook while another
 * one of the same peer runs, and an event whose composables work in every hook.
 */
export class HookWatch {
  /** Peers that have been opened and not closed. */
  readonly open: Set<Life> = new Set();
  opened = 0;
  closed = 0;
  readonly violations: string[] = [];
  readonly #ledger: ErrorLedger;

  constructor(ledger: ErrorLedger) {
    this.#ledger = ledger;
  }

  /** There is an `error` hook only where `own` has one: without it errors take another way. */
  wrap<C>(own: Hooks<C>): Hooks<C> {
    return {
      upgrade: (event) => {
        this.#probe(event, "upgrade");
        return own.upgrade?.(event);
      },
      open: (peer) => {
        this.#begin(peer);
        return this.#run(peer, "open", () => own.open?.(peer));
      },
      message: (peer, message) => this.#run(peer, "message", () => own.message?.(peer, message)),
      drain: (peer) => this.#run(peer, "drain", () => own.drain?.(peer)),
      close: async (peer, code, reason) => {
        this.#probe(peer, "close");
        await this.#run(peer, "close", () => own.close?.(peer, code, reason));
        this.#end(peer);
      },
      ...(own.error && {
        error: (peer: Peer<C>, error: unknown) => {
          this.#ledger.take(error, "error hook");
          return this.#run(peer, "error", () => own.error?.(peer, error));
        },
      }),
    };
  }

  #begin(peer: Peer<unknown>): void {
    if (peer.get(kLife)) this.#violated("open called twice", peer.get<Life>(kLife));
    const life: Life = { calls: [], running: undefined, hasClosed: false };
    peer.set(kLife, life);
    this.open.add(life);
    this.opened++;
  }

  #end(peer: Peer<unknown>): void {
    const life = peer.get<Life>(kLife);
    if (!life) return;
    life.hasClosed = true;
    this.open.delete(life);
    this.closed++;
  }

  #run(peer: Peer<unknown>, name: string, call: () => unknown): unknown {
    const life = peer.get<Life>(kLife);
    if (!life) this.#violated(`${name} before open`, life);
    else if (life.hasClosed) this.#violated(`${name} after close`, life);
    else if (life.running) this.#violated(`${name} while ${life.running} runs`, life);
    if (!life) return undefined;
    life.calls.push(name);
    if (life.calls.length > 10) life.calls.shift();
    life.running = name;
    const done = (): void => {
      life.running = undefined;
    };
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      done();
      throw error;
    }
    if (result instanceof Promise) return result.finally(done);
    done();
    return result;
  }

  /** Whatever the request was like: hooks see only those of which the composables can make something. */
  #probe(event: Event, hook: string): void {
    try {
      for (const use of [useRequest, useHeaders, useRequestURI, useParams]) use(event);
      // A client that has reset before its handshake was looked at has no address any more.
      const address = getClientAddress(event);
      if (address !== undefined && !/^127\.0\.0\.1:\d+$/.test(address)) this.#violated(`address ${address}`);
      if (hook === "upgrade") event.set(kAddress, address);
      else if (event.get(kAddress) !== address) this.#violated(`address ${address} in ${hook}`);
    } catch (error) {
      this.#violated(`composables in ${hook}: ${error instanceof Error ? error.stack : error}`);
    }
  }

  #violated(text: string, life?: Life): void {
    if (this.violations.length < 20)
      this.violations.push(`${text} (hooks before: ${life?.calls.join(", ")})`);
  }
}
