import type { Socket } from 'node:net';
import {
  forwardedAddress,
  LOCAL_PEER,
  readTrustProxy,
  type TrustFunction,
  type TrustProxy,
} from '@stream-sessions/core/spi';
import proxyAddr from 'proxy-addr';
import { type PlaybackRequest, routed } from '../connect.js';
import { byPrototype } from '../by-prototype.js';
import type { RequestInfo } from './request-info.js';

/** Reads the client of a request. */
export interface ClientReader {
  /** Without a port; undefined if the socket has already gone. */
  address(seen: RequestInfo): string | undefined;
  secure(seen: RequestInfo): boolean;
  /** The host that the client requested, with its port; undefined if it does not say. */
  host(seen: RequestInfo): string | undefined;
}

/**
 * Makes the reader: the app's own `trust proxy` under Express, otherwise the socket's address, unless `trustProxy` says
 * otherwise. A forged header from a peer that is not trusted changes nothing, except that one warning names the fix.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function clientReader(trustProxy?: TrustProxy): ClientReader {
  if (trustProxy === undefined)
    return { address: ownAddress, secure: ownSecure, host: (seen) => hostOf(seen, isTrustedByApp(seen)) };
  const trust = readTrustProxy(trustProxy, proxyAddr.compile);
  return {
    address(seen) {
      const peer = peerAddress(seen.socket);
      if (peer === undefined || seen.headers['x-forwarded-for'] === undefined) return peer;
      return forwardedAddress(proxyAddr(seen.req as Parameters<typeof proxyAddr>[0], trust), peer);
    },
    secure({ socket, headers }) {
      if (isEncrypted(socket)) return true;
      const forwarded = headers['x-forwarded-proto'];
      if (typeof forwarded !== 'string' || !trust(peerAddress(socket) ?? '', 0)) return false;
      return /^\s*https\s*(?:,|$)/i.test(forwarded);
    },
    host: (seen) => hostOf(seen, trust(peerAddress(seen.socket) ?? '', 0)),
  };
}

function ownAddress({ req, socket, headers }: RequestInfo): string | undefined {
  const peer = peerAddress(socket);
  if (peer === undefined) return undefined;
  const forwarded = headers['x-forwarded-for'] !== undefined;
  const ip = forwarded || !isExpressOwn(req) ? routed(req).ip : undefined;
  if (!warned && (forwarded || headers.forwarded !== undefined)) warnIfUntrusted(req, ip, peer);
  return ip === undefined || ip === peer ? peer : forwardedAddress(ip, peer);
}

/**
 * Whether `req.ip` is Express's own getter, which returns the socket's address if nothing was forwarded: then it need not be
 * called, which would cost more than the look-up of the session. Some apps redefine it, on `app.request` or on a single request.
 */
const isExpressOwn = (req: PlaybackRequest): boolean => hasExpressIp(req) && !Object.hasOwn(req, 'ip');

const hasExpressIp = byPrototype<PlaybackRequest, boolean>((prototype) => {
  for (let object = prototype; object !== null; object = Object.getPrototypeOf(object) as object | null) {
    const property = Object.getOwnPropertyDescriptor(object, 'ip');
    if (property !== undefined) return String(property.get?.toString()).includes('trust proxy fn');
  }
  return false;
});

function ownSecure({ req, socket, headers }: RequestInfo): boolean {
  if (isEncrypted(socket)) return true;
  return headers['x-forwarded-proto'] !== undefined && routed(req).secure === true;
}

function isTrustedByApp({ req, socket }: RequestInfo): boolean {
  const trust = routed(req).app?.get?.('trust proxy fn');
  return typeof trust === 'function' && (trust as TrustFunction)(peerAddress(socket) ?? '', 0);
}

function hostOf({ headers }: RequestInfo, isTrusted: boolean): string | undefined {
  const forwarded = headers['x-forwarded-host'];
  // the left-most value is what the client sent to the first proxy
  if (isTrusted && typeof forwarded === 'string') return forwarded.split(',', 1)[0]?.trim();
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : headers.host;
}

function peerAddress(socket: Socket): string | undefined {
  const address = socket.remoteAddress;
  if (address !== undefined) return address;
  return socket.destroyed ? undefined : LOCAL_PEER;
}

const isEncrypted = (socket: Socket & { encrypted?: boolean }): boolean => socket.encrypted === true;

let warned = false;

/** Behind a proxy that is not trusted, the whole audience has one address: warns once per process. */
function warnIfUntrusted(req: PlaybackRequest, ip: string | undefined, peer: string): void {
  if (ip !== undefined && ip !== peer) return;
  const { app } = routed(req);
  const trust = app?.get?.('trust proxy fn');
  if (typeof trust === 'function' && (trust as TrustFunction)(peer, 0)) return;
  warned = true;
  const fix = app !== undefined ? "app.set('trust proxy', …)" : 'trackPlayback(tracker, { trustProxy: … })';
  process.emitWarning(
    `A request from ${peer} carries a forwarding header, and no proxy is trusted: every viewer behind it counts as one ` +
      `address. If ${peer} is your proxy, say so with ${fix}; if not, the header was forged and was ignored.`,
    { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_UNTRUSTED_PROXY' },
  );
}
