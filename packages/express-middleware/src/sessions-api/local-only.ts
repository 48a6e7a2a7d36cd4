import { ApiError } from '@stream-sessions/core/spi';
import type { PlaybackRequest } from '../connect.js';
import { foreignPage, hostOf } from './foreign-page.js';

/** Headers that show that a request was forwarded. */
const FORWARDED =
  /^(?:x-forwarded(?:-.*)?|forwarded(?:-.*)?|via|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-(?:for|host|uri|url|forwarded-for)|x-envoy-.*|x-amzn-trace-id|true-client-ip|client-ip|cf-.*|fastly-.*|fly-.*|x-azure-.*|x-appengine-.*|x-vercel-.*|cdn-loop)$/;

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/i;

/**
 * For `authorize` of `sessionsApi()`: admits callers that seem to call directly on this machine, without a key. Returns true, or
 * throws an error with `status: 403`. It requires a loopback socket, no header that shows forwarding, HTTP/1.1 or 2, a `Host` of
 * localhost, 127.0.0.1 or [::1], and no foreign page.
 *
 * **Use it only where nothing on this machine forwards requests.** A proxy that adds no header, and names the upstream as `Host`,
 * looks like curl: nginx does so from 1.29.7 on by default (earlier with `proxy_http_version 1.1`), and so do stunnel, socat and
 * `ssh -R`. Behind one of them the whole internet is "local", and can list and kick. Everyone with an account on this machine
 * gets in, too, as does every program and container that shares its network.
 *
 * @throws an error with `status: 403`
 * @example app.use('/api', sessionsApi(tracker, { authorize: localOnly }));
 */
export function localOnly(req: PlaybackRequest): true {
  const reason = notDirectlyLocal(req);
  if (reason === undefined) return true;
  throw new ApiError(403, 'FORBIDDEN', `Only direct callers on this machine get in, and ${reason}.`);
}

/** Why this caller does not seem to call directly on this machine; undefined if nothing suggests so. */
export function notDirectlyLocal(req: PlaybackRequest): string | undefined {
  if (!LOOPBACK.test(req.socket.remoteAddress ?? '')) return 'the caller is not on this machine';
  if (Object.keys(req.headers).some((name) => FORWARDED.test(name))) return 'the request was forwarded';
  if (req.httpVersionMajor < 2 && req.httpVersion !== '1.1') return 'HTTP/1.0 is what proxies speak';
  if (!LOCAL_HOST.test(hostOf(req))) return 'the Host is not localhost, 127.0.0.1 or [::1]';
  return foreignPage(req);
}
