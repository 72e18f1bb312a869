import type { Socket } from "node:net";

/**
 * The client's address as `ip:port` or `[v6]:port`; the address alone if `ip`, the framework's view, came from a proxy's
 * header. Taken during the handshake, as a destroyed socket has none.
 */
export function formatAddress(socket: Socket, ip: string | undefined): string | undefined {
  const remote = socket.remoteAddress;
  if (ip && ip !== remote) return plain(ip);
  if (remote === undefined) return undefined;
  const address = unmapped(remote);
  // Joined it is one string; a template keeps both its parts, for as long as the peer is there.
  return [address.includes(":") ? `[${address}]` : address, socket.remotePort].join(":");
}

/** An address of `X-Forwarded-For`. Azure's proxies add the client's port, which is another one for each connection: `ip:port`, `[v6]:port`. */
function plain(ip: string): string {
  const [, v6, v4] = /^(?:\[(.+)\](?::\d+)?|([^:]+):\d+)$/.exec(ip.trim()) ?? [];
  return unmapped(v6 ?? v4 ?? ip);
}

/** An IPv4 address that a dual-stack socket shows as `::ffff:127.0.0.1` (RFC 4291 section 2.5.5.2). */
function unmapped(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

/** Counts the peers of each client, including handshakes under way. */
export class AddressCounter {
  readonly #counts = new Map<string, number>();

  /** Counts one more for the client, until `release`. False, and nothing is counted, if it has as many as it may have. */
  take(client: string, max: number): boolean {
    const count = this.#counts.get(client) ?? 0;
    if (count >= max) return false;
    this.#counts.set(client, count + 1);
    return true;
  }

  release(client: string): void {
    const count = (this.#counts.get(client) ?? 0) - 1;
    if (count > 0) this.#counts.set(client, count);
    else this.#counts.delete(client);
  }
}

/** Who counts as one client: an IPv4 address, or an IPv6 /64 network, which is what one household or server gets. */
export function clientKey(socket: Socket, ip: string | undefined): string | undefined {
  const address = plain(ip ?? socket.remoteAddress ?? "");
  if (!address.includes(":")) return address || undefined;
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
