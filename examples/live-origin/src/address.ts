import { networkInterfaces } from 'node:os';

/** Where to listen. 127.0.0.1 unless HOST says otherwise. */
export const host = process.env.HOST || '127.0.0.1';

/** Whether only this machine can reach an address. */
export const isLoopback = (address: string): boolean => /^(localhost|127(\.\d+){3}|::1)$/.test(address);

const isEvery = (address: string): boolean => address === '0.0.0.0' || address === '::';
const ownAddresses = () => Object.values(networkInterfaces()).flatMap((list) => list ?? []);

/** Whether an address is this machine's own: who comes from there is here. */
export const isHere = (address: string): boolean =>
  isLoopback(address) || ownAddresses().some((own) => own.address === address);

/** Addresses that a browser can open when the server listens on this one. */
export function reachableAt(address: string): string[] {
  if (!isEvery(address)) return [address];
  const outside = ownAddresses().filter(({ internal, family }) => !internal && family === 'IPv4');
  return ['localhost', ...outside.map((each) => each.address)];
}

/** Where this machine itself finds a server that listens there. */
export const localHost = isEvery(host) ? '127.0.0.1' : host;

/** As it stands in a URL. */
export const inUrl = (name: string): string => (name.includes(':') && !name.startsWith('[') ? `[${name}]` : name);
