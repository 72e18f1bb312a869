/** The first wait after a lost connection, and the longest, in milliseconds. */
const firstWaitMs = 500;
const longestWaitMs = 10_000;
/** A connection that lasted this long was a good one: the next wait is the first again. */
const settledMs = 5_000;

/**
 * A WebSocket that comes back by itself.
 *
 * @param {URL} url
 * @param {string[]} protocols
 * @param {object} listeners
 * @param {(message: object) => void} listeners.onMessage what the server sent, parsed
 * @param {(state: "connecting" | "open" | "lost", why?: { code: number, reason: string }) => void} listeners.onState
 * "lost" until it is "open" again
 * @returns {{ send(message: object): boolean, restart(): void, close(): void }} `send` gives false while there is no connection. What it
 * gives true for may be lost all the same: only an answer of the server says that it has arrived. Where none comes, `restart`
 */
export function connect(url, protocols, { onMessage, onState }) {
  const closing = new AbortController();
  let listening;
  let socket;
  let openedAt;
  let timer;
  let failures = 0;

  function open() {
    clearTimeout(timer);
    openedAt = Number.POSITIVE_INFINITY;
    listening = new AbortController();
    socket = new WebSocket(url, protocols);
    const on = (type, listener) => socket.addEventListener(type, listener, { signal: listening.signal });
    on("open", () => {
      openedAt = Date.now();
      onState("open");
    });
    on("message", (event) => onMessage(JSON.parse(event.data)));
    on("close", lose);
  }

  function lose(why) {
    listening.abort();
    if (Date.now() - openedAt > settledMs) failures = 0;
    timer = setTimeout(open, waitMs(failures++));
    onState("lost", why);
  }

  // Back in a network, or back in front of the page: no reason to wait any longer.
  function retryNow() {
    if (listening.signal.aborted && !document.hidden) open();
  }

  window.addEventListener("online", retryNow, { signal: closing.signal });
  document.addEventListener("visibilitychange", retryNow, { signal: closing.signal });
  onState("connecting");
  open();

  return {
    send(message) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
    restart() {
      // A connection that is dead is not closed for a while: nobody is there to answer the close frame.
      socket.close();
      lose({ code: 1006, reason: "the server does not answer" });
    },
    close() {
      closing.abort();
      listening.abort();
      clearTimeout(timer);
      socket.close(1000);
    },
  };
}

/** Doubles with each failure. Half of it is random: the pages of a restarted server should not all come at once. */
function waitMs(failures) {
  const wait = Math.min(firstWaitMs * 2 ** failures, longestWaitMs);
  return wait / 2 + (Math.random() * wait) / 2;
}
