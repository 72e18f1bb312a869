/** The first wait after a lost connection, and the longest, in milliseconds. */
const firstWaitMs = 500;
const longestWaitMs = 10_000;
/** A connection that lasted this long was a good one: the next wait is the first again. */
const settledMs = 5_000;

/**
 * A WebSocket that comes back by itself.
 *
 * @param {URL} url
 * @param {object} listeners
 * @param {(message: object) => void} listeners.onMessage what the server sent, parsed
 * @param {(state: "connecting" | "open" | "lost") => void} listeners.onState "lost" until it is "open" again
 * @returns {{ send(message: object): boolean, close(): void }} `send` gives false while there is no connection
 */
export function connect(url, { onMessage, onState }) {
  const closing = new AbortController();
  const { signal } = closing;
  let socket;
  let timer;
  let failures = 0;

  function open() {
    clearTimeout(timer);
    socket = new WebSocket(url);
    let openedAt = Number.POSITIVE_INFINITY;
    const on = (type, listener) => socket.addEventListener(type, listener, { signal });
    on("open", () => {
      openedAt = Date.now();
      onState("open");
    });
    on("message", (event) => onMessage(JSON.parse(event.data)));
    on("close", () => {
      if (Date.now() - openedAt > settledMs) failures = 0;
      timer = setTimeout(open, waitMs(failures++));
      onState("lost");
    });
  }

  // Back in a network, or back in front of the page: no reason to wait any longer.
  function retryNow() {
    if (socket.readyState === WebSocket.CLOSED && !document.hidden) open();
  }

  window.addEventListener("online", retryNow, { signal });
  document.addEventListener("visibilitychange", retryNow, { signal });
  onState("connecting");
  open();

  return {
    send(message) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
    close() {
      closing.abort();
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
