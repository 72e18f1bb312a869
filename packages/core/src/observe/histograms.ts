import type { Hooks } from "../hooks.ts";
import { bucketBounds, Histogram } from "./histogram.ts";
import { type HookName, timedHooks } from "./timed-hooks.ts";

/** How often something took how long, with the same labels. Each of the same name has other labels. */
export interface HistogramMetric {
  /** As in the text: `spry_ws_hook_seconds`. */
  readonly name: "hook_seconds" | "handshake_seconds" | "delivery_seconds";
  readonly labels: Readonly<Record<string, string>>;
  /** The upper bounds of the buckets, in seconds, ascending; the last one is `Infinity`. */
  readonly bounds: readonly number[];
  /** How many took at most that long, for each bound: the last one is how many there were. */
  readonly counts: readonly number[];
  /** What they took together, in seconds. */
  readonly sum: number;
}

/** Of routes whose pattern is not known, and of those beyond the limit. */
const otherRoute = "other";

const bounds = [...bucketBounds, Number.POSITIVE_INFINITY];

/** Measures hooks, handshakes and deliveries of one instance. There is none where the option is off. */
export class Histograms {
  readonly #maxRoutes: number;
  readonly #routes = new Set<string>();
  /** Those of handshakes under way that have reached one. */
  readonly #routeOf = new WeakMap<object, string>();
  readonly #timed = new WeakMap<Hooks, Map<string, Hooks>>();
  /** By their labels, as JSON. */
  readonly #byLabels = new Map<string, Histogram>();
  #delivery: Histogram | undefined;

  /** @param maxRoutes how many routes are told apart */
  constructor({ maxRoutes }: { readonly maxRoutes: number }) {
    this.#maxRoutes = maxRoutes;
  }

  /** A handshake has reached a route. @param pattern as the user has written it, where that is known */
  reached(handshake: object, pattern: string | undefined): void {
    if (pattern === undefined) return;
    if (!this.#routes.has(pattern)) {
      if (this.#routes.size >= this.#maxRoutes) return;
      this.#routes.add(pattern);
    }
    this.#routeOf.set(handshake, pattern);
  }

  /** The same hooks for a handshake and its peer, timed. */
  timed(hooks: Hooks, handshake: object): Hooks {
    const route = this.#route(handshake);
    let byRoute = this.#timed.get(hooks);
    if (!byRoute) {
      byRoute = new Map();
      this.#timed.set(hooks, byRoute);
    }
    let timed = byRoute.get(route);
    if (!timed) {
      const byHook = new Map<HookName, Histogram>();
      timed = timedHooks(hooks, (hook, ms) => {
        const histogram = byHook.get(hook) ?? this.#of("hook_seconds", { route, hook });
        byHook.set(hook, histogram);
        histogram.observe(ms);
      });
      byRoute.set(route, timed);
    }
    return timed;
  }

  /** A handshake has ended. */
  handshake(handshake: object, outcome: "accepted" | "refused", ms: number): void {
    this.#of("handshake_seconds", { route: this.#route(handshake), outcome }).observe(ms);
  }

  /** What was published has been written to the last of its subscribers in this process. */
  delivered(ms: number): void {
    this.#delivery ??= this.#of("delivery_seconds", {});
    this.#delivery.observe(ms);
  }

  /** Those that have counted something, each name in one row. */
  snapshot(): readonly HistogramMetric[] {
    const all = Array.from(this.#byLabels, ([key, { cumulative, sum }]): HistogramMetric => {
      const [name, labels] = JSON.parse(key);
      return { name, labels, bounds, counts: cumulative, sum };
    });
    return all.sort((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)));
  }

  #route(handshake: object): string {
    return this.#routeOf.get(handshake) ?? otherRoute;
  }

  #of(name: HistogramMetric["name"], labels: HistogramMetric["labels"]): Histogram {
    const key = JSON.stringify([name, labels]);
    let histogram = this.#byLabels.get(key);
    if (!histogram) {
      histogram = new Histogram();
      this.#byLabels.set(key, histogram);
    }
    return histogram;
  }
}
