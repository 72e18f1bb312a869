/** The events of a page that matter to a connection. */
export interface PageEvents {
  /** The network is back, or another one is there. */
  online(): void;
  /** The browser says that the network is gone, which is not always true. */
  offline(): void;
  /** The page is visible again. */
  visible(): void;
  /** The page has been left. It may come back from the back-forward cache. */
  hidden(): void;
  /** The page has come back from the back-forward cache. */
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

/** Whether the runtime says that there is a network. True where it says nothing, as in Node. */
export function isOnline(): boolean {
  return page.navigator?.onLine !== false;
}

/** Listens to those of the events that the runtime has: a worker has some, Node has none. @returns stops that */
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
