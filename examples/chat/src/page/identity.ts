/**
 * Who this browser is, for as long as it remembers anything: what it said before a reload is its own. The key is a secret between it and the
 * server.
 */
export function readKey(): string {
  const known = localStorage.getItem("key");
  if (known) return known;
  const key = randomId();
  localStorage.setItem("key", key);
  return key;
}

/** 128 bits. `crypto.randomUUID` is not there on pages that came over plain HTTP from another machine. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
