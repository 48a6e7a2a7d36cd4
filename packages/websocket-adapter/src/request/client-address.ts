import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { forwardedAddress, LOCAL_PEER, readTrustProxy, type TrustProxy } from '@stream-sessions/core/spi';
import proxyAddr from 'proxy-addr';

/** Reads the client of a request. */
export interface ClientReader {
  /** Without a port. */
  address(request: IncomingMessage): string;
  secure(request: IncomingMessage): boolean;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function clientReader(trustProxy: TrustProxy = false): ClientReader {
  const trust = readTrustProxy(trustProxy, proxyAddr.compile);
  return {
    address(request) {
      const peer = request.socket.remoteAddress ?? LOCAL_PEER;
      if (request.headers['x-forwarded-for'] === undefined) return peer;
      if (!trust(peer, 0)) warnOfForwarding(peer);
      return forwardedAddress(proxyAddr(request, trust), peer);
    },
    secure({ socket, headers }) {
      if ((socket as Socket & { encrypted?: boolean }).encrypted === true) return true;
      const forwarded = headers['x-forwarded-proto'];
      if (typeof forwarded !== 'string' || !trust(socket.remoteAddress ?? LOCAL_PEER, 0)) return false;
      return /^\s*(?:https|wss)\s*(?:,|$)/i.test(forwarded);
    },
  };
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
