/** What a page goes through that matters to a connection. */
export interface PageEvents {
  /** The network is there again, or another one. */
  online(): void;
  /** It is said to be gone, which is not always true. */
  offline(): void;
  /** The page is looked at again. */
  visible(): void;
  /** The page is left; it may come back, from the back-forward cache. */
  hidden(): void;
  /** It has come back from there. */
  shown(): void;
}

type PageListener = (event: { persisted?: boolean }) => void;

interface Target {
  addEventListener?(type: string, listener: PageListener, options: { signal: AbortSignal }): void;
}

interface Globals extends Target {
  readonly document?: Target & { readonly visibilityState?: string };
  readonly navigator?: { readonly onLine?: boolean };
}

const page = globalThis as unknown as Globals;

/** Whether the network is said to be there. Where nobody says, as in Node, it is. */
export function isOnline(): boolean {
  return page.navigator?.onLine !== false;
}

/** Listens until the function it returns is called. Outside of a page, and in workers, to what there is. */
export function listenToPage(events: PageEvents): () => void {
  const { document } = page;
  const controller = new AbortController();
  const listen = (type: string, listener: PageListener, target: Target | undefined = page) =>
    target.addEventListener?.(type, listener, controller);
  listen("online", events.online);
  listen("offline", events.offline);
  listen("pagehide", events.hidden);
  listen("pageshow", ({ persisted }) => persisted && events.shown());
  if (document)
    listen("visibilitychange", () => document.visibilityState === "visible" && events.visible(), document);
  return () => controller.abort();
}
