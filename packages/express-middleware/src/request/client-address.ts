import { isIP } from 'node:net';
import { badOption, normaliseAddress } from '@stream-sessions/core/spi';
import proxyAddr from 'proxy-addr';
import { type PlaybackRequest, routed } from '../connect.js';

/**
 * Which proxies may say who the client is: Express's `trust proxy`. True trusts all (only behind a proxy that replaces
 * the header), a number that many hops, otherwise addresses, CIDR blocks, `loopback`, `linklocal`, `uniquelocal`.
 */
export type TrustProxy = boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

type Trust = (address: string, hop: number) => boolean;

/** Reads the client of a request. */
export interface ClientReader {
  /** Without a port; undefined when the socket has already gone. */
  address(req: PlaybackRequest): string | undefined;
  secure(req: PlaybackRequest): boolean;
}

/** Peers on a Unix socket have no address, and are on this machine. */
const LOCAL_PEER = '127.0.0.1';

/**
 * Prepares the reader: the app's own `trust proxy` under Express, else the socket's address, unless `trustProxy` says
 * otherwise. A forged header from a peer that is not trusted changes nothing, except that one warning names the fix.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function clientReader(trustProxy?: TrustProxy): ClientReader {
  if (trustProxy === undefined) return { address: ownAddress, secure: ownSecure };
  const trust = compileTrust(trustProxy);
  return {
    address(req) {
      const peer = peerAddress(req);
      if (peer === undefined || req.headers['x-forwarded-for'] === undefined) return peer;
      return readable(proxyAddr(req as Parameters<typeof proxyAddr>[0], trust), peer);
    },
    secure(req) {
      if (isEncrypted(req)) return true;
      const forwarded = req.headers['x-forwarded-proto'];
      if (typeof forwarded !== 'string' || !trust(peerAddress(req) ?? '', 0)) return false;
      return /^\s*https\s*(?:,|$)/i.test(forwarded);
    },
  };
}

function ownAddress(req: PlaybackRequest): string | undefined {
  const peer = peerAddress(req);
  const { ip, app } = routed(req);
  if (peer !== undefined && !warned && isForwarded(req)) warnIfUntrusted(req, ip, peer, app !== undefined);
  if (ip === undefined || ip === peer || peer === undefined) return peer;
  return readable(ip, peer);
}

function ownSecure(req: PlaybackRequest): boolean {
  if (isEncrypted(req)) return true;
  return req.headers['x-forwarded-proto'] !== undefined && routed(req).secure === true;
}

function peerAddress(req: PlaybackRequest): string | undefined {
  const { socket } = req;
  const address = socket.remoteAddress;
  if (address !== undefined) return address;
  return socket.destroyed ? undefined : LOCAL_PEER;
}

const isEncrypted = (req: PlaybackRequest): boolean => (req.socket as { encrypted?: boolean }).encrypted === true;

/** With every proxy trusted the left-most address is what the client wrote: it has to be an address at least. */
function readable(address: string | undefined, peer: string): string {
  if (address === undefined) return peer;
  if (isIP(address) !== 0) return address;
  const stripped = address.length <= 64 ? normaliseAddress(address) : '';
  return isIP(stripped) !== 0 ? stripped : peer;
}

function compileTrust(trustProxy: TrustProxy): Trust {
  if (typeof trustProxy === 'function') return trustProxy;
  if (typeof trustProxy === 'boolean') return () => trustProxy;
  if (typeof trustProxy === 'number' && trustProxy >= 0) return (_address, hop) => hop < trustProxy;
  try {
    const addresses = typeof trustProxy === 'string' ? trustProxy.split(/ *, */) : trustProxy;
    return proxyAddr.compile(addresses as string[]);
  } catch (cause) {
    const error = badOption('trustProxy', 'what Express takes for "trust proxy"', trustProxy);
    error.cause = cause;
    throw error;
  }
}

let warned = false;

const isForwarded = ({ headers }: PlaybackRequest): boolean =>
  headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;

/** Behind a proxy that nobody trusts the whole audience has one address: say so, once per process. */
function warnIfUntrusted(req: PlaybackRequest, ip: string | undefined, peer: string, express: boolean): void {
  if (ip !== undefined && ip !== peer) return;
  const trust = routed(req).app?.get?.('trust proxy fn');
  if (typeof trust === 'function' && (trust as Trust)(peer, 0)) return;
  warned = true;
  const fix = express ? "app.set('trust proxy', …)" : 'trackPlayback(tracker, { trustProxy: … })';
  process.emitWarning(
    `A request from ${peer} carries a forwarding header, and no proxy is trusted: every viewer behind it counts as one ` +
      `address. If ${peer} is your proxy, say so with ${fix}; if not, the header was forged and was ignored.`,
    { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_UNTRUSTED_PROXY' },
  );
}
