import type { Socket } from "node:net";

/**
 * The client's address as `ip:port` or `[v6]:port`; without a port if `ip`, the framework's view, came from a proxy's
 * header. Taken during the handshake, as a destroyed socket has none.
 */
export function formatAddress(socket: Socket, ip: string | undefined): string | undefined {
  const remote = socket.remoteAddress;
  if (ip && ip !== remote) return unmapped(ip);
  if (remote === undefined) return undefined;
  const address = unmapped(remote);
  return address.includes(":") ? `[${address}]:${socket.remotePort}` : `${address}:${socket.remotePort}`;
}

/** An IPv4 address that a dual-stack socket shows as `::ffff:127.0.0.1` (RFC 4291 section 2.5.5.2). */
function unmapped(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}
