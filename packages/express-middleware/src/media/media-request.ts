import type { PlaybackRequest } from '../connect.js';
import { type Target, targetOf } from '../request/target.js';
import { type ExtensionTable, mediaPattern, type MediaType } from './extensions.js';
import { mediaPathReader, typeOf, UNREADABLE } from './media-path.js';
import { endOfPlainPath } from './plain-path.js';

/** A request for a playlist or segment. */
export interface MediaRequest {
  /** Below the mount, as a file server reads it: decoded, without dot segments, no slash first. */
  readonly path: string;
  readonly type: MediaType;
  /** Without `?`. */
  readonly query: string;
}

/** What a URL parser takes off a query. */
const NOT_OF_THE_QUERY = /[\s#]/;

/** Makes the function that finds media: what is none passes (undefined), what cannot be read is answered 400. */
export function mediaFinder(
  table: ExtensionTable,
): (req: PlaybackRequest) => MediaRequest | typeof UNREADABLE | undefined {
  const read = mediaPathReader(table);
  const pattern = mediaPattern(table);
  const isWindows = process.platform === 'win32';

  const findUnusual = (req: PlaybackRequest): MediaRequest | typeof UNREADABLE | undefined => {
    let target: Target | undefined;
    try {
      target = targetOf(req);
    } catch {
      return pattern.test(req.url ?? '') ? UNREADABLE : undefined;
    }
    const media = read(target?.pathname ?? '');
    return typeof media === 'object' ? { ...media, query: target?.query ?? '' } : media;
  };

  return (req) => {
    const { url = '' } = req;
    const end = isWindows ? -1 : endOfPlainPath(url);
    if (end < 0) return findUnusual(req);
    const path = url.slice(1, end);
    const type = typeOf(path, table);
    if (type === undefined) return undefined;
    const query = url.slice(end + 1);
    return query !== '' && NOT_OF_THE_QUERY.test(query) ? findUnusual(req) : { path, type, query };
  };
}
