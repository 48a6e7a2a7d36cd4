import { networkInterfaces } from 'node:os';

/** Where to listen. 127.0.0.1 unless HOST says otherwise. */
export const host = process.env.HOST || '127.0.0.1';

/** PORT, 8080 by default; 0 takes any free one. Undefined if PORT is not a port. */
export function port(): number | undefined {
  const value = Number(process.env.PORT || 8080);
  return Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : undefined;
}

/** Whether only this machine can reach an address. */
export const isLoopback = (address: string): boolean => /^(localhost|127(\.\d+){3}|::1)$/.test(address);

/** Addresses that a browser can open when the server listens on this one. */
export function reachableAt(address: string): string[] {
  if (address !== '0.0.0.0' && address !== '::') return [address];
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = others.filter(({ internal, family }) => !internal && family === 'IPv4');
  return ['localhost', ...outside.map((each) => each.address)];
}
