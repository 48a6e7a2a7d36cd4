import { invalidQuery, keepPrivate } from '@stream-sessions/core/spi';
import type { PlaybackRequest, PlaybackResponse } from '../../connect.js';
import { routed } from '../../connect.js';
import { type ApiKey, wrongKey } from './api-key.js';

/**
 * Handles `?key=` in the printed address: the browser gets a cookie instead and is redirected to the same address without the
 * key, so that the key does not stay in an address bar, history or `Referer`. False: the request has no key.
 *
 * @throws ApiError 401
 */
export function signIn(req: PlaybackRequest, res: PlaybackResponse, query: URLSearchParams, key: ApiKey): boolean {
  const [given, ...more] = query.getAll('key');
  if (given === undefined || (req.method !== 'GET' && req.method !== 'HEAD')) return false;
  if (more.length > 0) throw invalidQuery('"key" is given twice.');
  if (!key.is(given)) throw wrongKey();
  const rest = new URLSearchParams(query);
  rest.delete('key');
  const [path = ''] = (req.url ?? '').split('?');
  res.statusCode = 303;
  keepPrivate(res);
  res.setHeader('Set-Cookie', key.cookie(req, mountOf(req), isSecure(req)));
  // relative: what a stranger wrote before the last slash cannot lead elsewhere
  res.setHeader('Location', `./${path.slice(path.lastIndexOf('/') + 1)}${rest.size > 0 ? `?${rest.toString()}` : ''}`);
  res.setHeader('Content-Length', 0);
  (res as { end(): unknown }).end();
  return true;
}

/** Where the API is mounted, as the path of a cookie. */
function mountOf(req: PlaybackRequest): string {
  const { url = '', originalUrl = url, baseUrl } = routed(req);
  const mount = baseUrl ?? (originalUrl.endsWith(url) ? originalUrl.slice(0, originalUrl.length - url.length) : '');
  return /^\/[\w!$&'()*+.:=@%~/-]*$/.test(mount) ? mount : '/';
}

/** Express knows what its proxy says. */
const isSecure = (req: PlaybackRequest): boolean =>
  routed(req).secure ?? ('encrypted' in req.socket && req.socket.encrypted === true);
