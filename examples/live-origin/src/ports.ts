import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { host } from './address.js';

type Transport = 'tcp' | 'udp';

/** Which variable chose each port, for who has to choose another. */
const chosenBy = new Map<number, string>();
/** How far a default moves on. */
const NEIGHBOURS = 20;

/**
 * The port to listen on: the one that the environment names, 0 for any free one; else the usual one, or the next that is free. A
 * port that was asked for is not looked at: it is an error if it is taken. Throws a sentence for the person who typed it.
 */
export async function choosePort(variable: string, usual: number, transport: Transport = 'tcp'): Promise<number> {
  const asked = process.env[variable]?.trim();
  const port = asked ? readPort(variable, asked, usual) : await freeFrom(variable, usual, transport);
  chosenBy.set(port, variable);
  return port;
}

function readPort(variable: string, asked: string, usual: number): number {
  const port = /^\d{1,5}$/.test(asked) ? Number(asked) : NaN;
  if (port <= 65_535) return port;
  throw new Error(`${variable}=${asked} is not a port. Try: ${variable}=${usual} npm start`);
}

async function freeFrom(variable: string, usual: number, transport: Transport): Promise<number> {
  const { address } = await lookup(host);
  for (let port = usual; port < usual + NEIGHBOURS; port++) {
    if (chosenBy.has(port) || !(await isFree(port, address, transport))) continue;
    if (port !== usual) console.log(`Port ${usual} is in use: ${variable} is ${port} this time.`);
    return port;
  }
  return usual; // and let it say what is wrong
}

/** Whether it can be listened on. What is wrong with it otherwise, the server says that wants it. */
async function isFree(port: number, address: string, transport: Transport): Promise<boolean> {
  const probe =
    transport === 'tcp'
      ? createServer().listen({ port, host: address, exclusive: true })
      : createSocket(address.includes(':') ? 'udp6' : 'udp4').bind({ port, address, exclusive: true });
  try {
    await once(probe, 'listening');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE';
  }
  const closed = once(probe, 'close');
  probe.close();
  await closed;
  return true;
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
    return `HOST=${host} is not an address of this machine. Try: HOST=0.0.0.0 npm start`;
  return error.message;
}
