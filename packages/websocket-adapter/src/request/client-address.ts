import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { atOnce, badOption, normaliseAddress } from '@stream-sessions/core/spi';
import proxyAddr from 'proxy-addr';

/**
 * Which proxies may say who the client is: Express's `trust proxy`. True trusts all (use it only behind a proxy that replaces the
 * header), a number that many hops; or addresses, CIDR blocks, `loopback`, `linklocal`, `uniquelocal`. A function decides on its
 * own: `app.get('trust proxy fn')` is the one of an Express app.
 */
export type TrustProxy = boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

type Trust = (address: string, hop: number) => boolean;

/** Reads the client of a request. */
export interface ClientReader {
  /** Without a port. */
  address(request: IncomingMessage): string;
  secure(request: IncomingMessage): boolean;
}

/** Peers on a Unix socket have no address, but are on this machine. */
const LOCAL_PEER = '127.0.0.1';

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function clientReader(trustProxy: TrustProxy = false): ClientReader {
  const trust = compileTrust(trustProxy);
  return {
    address(request) {
      const peer = request.socket.remoteAddress ?? LOCAL_PEER;
      if (request.headers['x-forwarded-for'] === undefined) return peer;
      if (!trust(peer, 0)) warnOfForwarding(peer);
      return readable(proxyAddr(request, trust), peer);
    },
    secure({ socket, headers }) {
      if ((socket as Socket & { encrypted?: boolean }).encrypted === true) return true;
      const forwarded = headers['x-forwarded-proto'];
      if (typeof forwarded !== 'string' || !trust(socket.remoteAddress ?? LOCAL_PEER, 0)) return false;
      return /^\s*(?:https|wss)\s*(?:,|$)/i.test(forwarded);
    },
  };
}

/** If every proxy is trusted, the left-most address is what the client wrote: at least it has to be an address. */
function readable(address: string, peer: string): string {
  if (isIP(address) !== 0) return address;
  const stripped = address.length <= 64 ? normaliseAddress(address) : '';
  return isIP(stripped) !== 0 ? stripped : peer;
}

function compileTrust(trustProxy: TrustProxy): Trust {
  // a promise would trust everybody
  if (typeof trustProxy === 'function') return (address, hop) => atOnce(trustProxy(address, hop), 'trustProxy()');
  if (typeof trustProxy === 'boolean') return () => trustProxy;
  if (typeof trustProxy === 'number' && trustProxy >= 0) return (_address, hop) => hop < trustProxy;
  try {
    const addresses = typeof trustProxy === 'string' ? trustProxy.split(',').map((part) => part.trim()) : trustProxy;
    return proxyAddr.compile(addresses as string[]);
  } catch (cause) {
    const error = badOption('trustProxy', 'what Express takes for "trust proxy"', trustProxy);
    error.cause = cause;
    throw error;
  }
}

let warned = false;

/** Behind a proxy that is not trusted, the whole audience has one address: warns once per process. */
function warnOfForwarding(peer: string): void {
  if (warned) return;
  warned = true;
  process.emitWarning(
    `A WebSocket request from ${peer} carries a forwarding header, and that proxy is not trusted: every viewer behind it ` +
      `counts as one address. If ${peer} is your proxy, say so with the option trustProxy; if not, the header was forged ` +
      'and was ignored.',
    { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_UNTRUSTED_PROXY' },
  );
}
