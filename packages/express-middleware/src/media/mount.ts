import { type PlaybackRequest, routed } from '../connect.js';
import { readPath } from './media-path.js';

/** Scheme and host of a target in absolute form, which routers leave in place. */
const HOST = /^https?:\/\/[^/]*/i;

/** Where a router has mounted the handler, resolved; '' at the root. Undefined: servers would not agree on it. */
export const mountOf = (req: PlaybackRequest): string | undefined => readPath(mountPath(req));

/** Express states it; with `connect`, it is the difference between two URLs. */
function mountPath(req: PlaybackRequest): string {
  const { baseUrl, originalUrl, url = '' } = routed(req);
  if (typeof baseUrl === 'string') return baseUrl;
  const [whole = '', left] = [originalUrl, url].map((target) => target?.replace(HOST, ''));
  return left !== undefined && whole.endsWith(left) ? whole.slice(0, -left.length || undefined) : '';
}
