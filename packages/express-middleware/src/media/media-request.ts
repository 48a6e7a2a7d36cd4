import type { PlaybackRequest } from '../connect.js';
import { type Target, targetOf } from '../request/target.js';
import type { MediaType, MediaTypes } from './extensions.js';
import { type MediaFinding, mediaPathReader, UNREADABLE } from './media-path.js';
import { endOfPlainPath } from './plain-path.js';

/** A request for a playlist or segment. */
export interface MediaRequest {
  /** Below the mount, as a file server reads it: decoded, without dot segments or a leading slash. */
  readonly path: string;
  readonly type: MediaType;
  /** Without `?`. */
  readonly query: string;
}

/** Characters that a URL parser removes from a query. */
const NOT_OF_THE_QUERY = /[\s#]/;
/** One leading slash, and nothing that one parser takes for the end of the path and the other does not. */
const PATH_OF_A_TARGET = /^\/(?!\/)[^#?\\]*(?:\?|$)/;
const WITH_HOST = /^https?:\/\/[^/?#\\]+\/[^#?\\]*(?:\?|$)/i;

/**
 * Makes the function that finds media: anything else passes (undefined), and an unreadable request is answered with 400.
 *
 * @param guards Whether a policy currently authorises.
 */
export function mediaFinder(
  types: MediaTypes,
  guards: () => boolean,
): (req: PlaybackRequest) => MediaFinding<MediaRequest> {
  const { read, mentions, isCutToMedia } = mediaPathReader(types);
  const isWindows = process.platform === 'win32';

  const findUnusual = (req: PlaybackRequest): MediaFinding<MediaRequest> => {
    const { url = '' } = req;
    const target = parsed(req);
    if (target === undefined) return mentions(url) ? UNREADABLE : undefined;
    const media = read(target.pathname ?? '', guards());
    return typeof media === 'object' ? { ...media, query: target.query ?? '' } : media;
  };

  return (req) => {
    const { url = '' } = req;
    const end = isWindows ? -1 : endOfPlainPath(url);
    if (end < 0) return findUnusual(req);
    const path = url.slice(1, end);
    const type = types.ofCounted(path) ?? (guards() ? types.ofGuarded(path) : undefined);
    if (type === undefined) return isCutToMedia(path) ? UNREADABLE : undefined;
    const query = url.slice(end + 1);
    return query !== '' && NOT_OF_THE_QUERY.test(query) ? findUnusual(req) : { path, type, query };
  };
}

/**
 * The target of a request, if both of Node's parsers read it alike: `//cam2/cam1/seg0.ts` is a file of cam2 to the parser that
 * Express uses, but a file of cam1 on a host to `new URL()`.
 */
function parsed(req: PlaybackRequest): Target | undefined {
  const { url = '' } = req;
  try {
    if (PATH_OF_A_TARGET.test(url)) return targetOf(req);
    if (!WITH_HOST.test(url)) return undefined;
    // first, because it merely throws where the other one prints the target
    const { pathname } = new URL(url);
    const target = targetOf(req);
    return new URL(`http://h${target?.pathname}`).pathname === pathname ? target : undefined;
  } catch {
    return undefined;
  }
}
