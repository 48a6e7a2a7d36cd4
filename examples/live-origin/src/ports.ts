import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { host } from './address.js';

/** Which variable chose each port, for who has to choose another. */
const chosenBy = new Map<number, string>();

/** A port from the environment; 0 takes any free one. Throws a sentence for the person who typed it. */
export function portOf(variable: string, usual: number): number {
  const value = Number(process.env[variable] || usual);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new Error(`${variable}=${process.env[variable]} is no port. Try: ${variable}=${usual} npm start`);
  chosenBy.set(value, variable);
  return value;
}

/** A port that nobody listens on, for servers to whom 0 means "not at all". */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What to do about a port that could not be opened. */
export function reasonNotToListen(error: Error & { code?: string; port?: number }): string {
  const { code, port = 0 } = error;
  const variable = chosenBy.get(port) ?? 'PORT';
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use. Choose another one: ${variable}=${port < 65_535 ? port + 1 : 0} npm start`;
  if (code === 'ERR_SRT_LISTEN') return `${error.message} Choose another one: SRT_PORT=0 npm start`;
  if (code === 'EACCES') return `Port ${port} may not be opened. Choose one above 1023: ${variable}=0 npm start`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST=${host} is no address of this machine. Try: HOST=0.0.0.0 npm start`;
  return error.message;
}
