import type { Socket } from "node:net";

/**
 * The client's address as `ip:port` or `[v6]:port`. It is the address alone if `ip`, as the framework sees it, comes from a header of a
 * proxy. Must be called during the handshake, as a destroyed socket has no address.
 */
export function formatAddress(socket: Socket, ip: string | undefined): string | undefined {
  const remote = remoteOf(socket);
  if (ip && ip !== remote.address) return withoutPort(ip);
  if (remote.address === undefined) return undefined;
  const address = unmapped(remote.address);
  // join() makes one string. A template would keep both of its parts in memory as long as the peer is there.
  return [address.includes(":") ? `[${address}]` : address, remote.port].join(":");
}

interface Remote {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** Asks as Node does, which would keep what it gets, 100 bytes, as long as the socket is there. */
function remoteOf(
  socket: Socket & {
    readonly _peername?: Remote | null;
    readonly _handle?: { getpeername?(remote: Remote): number } | null;
  },
): Remote {
  const remote: Remote = {};
  const isNew = !socket._peername && socket._handle?.getpeername?.(remote) === 0;
  return isNew ? remote : { address: socket.remoteAddress, port: socket.remotePort };
}

/** An address of `X-Forwarded-For`, without the port that Azure's proxies add (`ip:port`, `[v6]:port`): it differs for each connection. */
function withoutPort(ip: string): string {
  const [, v6, v4] = /^(?:\[(.+)\](?::\d+)?|([^:]+):\d+)$/.exec(ip.trim()) ?? [];
  return unmapped(v6 ?? v4 ?? ip);
}

/** The IPv4 address of one that a dual-stack socket shows as `::ffff:127.0.0.1` (RFC 4291 section 2.5.5.2); others as they are. */
function unmapped(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

/** Counts the peers of each client, including handshakes under way. */
export class AddressCounter {
  readonly #counts = new Map<string, number>();

  /** Counts one more for the client, until `release`. @returns false, and counts nothing, if the client has `max` already */
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

/** What counts as one client: an IPv4 address, or an IPv6 /64 network, as one household or server gets it. */
export function clientKey(socket: Socket, ip: string | undefined): string | undefined {
  const address = withoutPort(ip ?? socket.remoteAddress ?? "");
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
