import { HlsTags } from './hls-tags.js';
import { Patch } from './patch.js';
import type { TokenInUri } from './token-in-uri.js';

const HASH = 0x23;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * An HLS playlist (RFC 8216bis) whose child URIs carry the token: variants, renditions, I-frame streams, segments, parts, preload
 * hints, rendition reports, maps, keys, session data, steering, interstitials.
 *
 * A single pass over the lines that copies the text between insertions: a live playlist is rewritten for each viewer.
 *
 * @param playlistsOnly Only URIs of other playlists.
 * @returns undefined if it is not a playlist; the same text if none of its URIs lead home.
 */
export function writeHls(text: string, tokens: TokenInUri, playlistsOnly = false): string | undefined {
  const first = text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  if (!text.startsWith('#EXTM3U', first)) return undefined;
  const patch = new Patch(text);
  const tags = new HlsTags(text, tokens, playlistsOnly);
  let isVariant = false;
  let at = first;
  while (at < text.length) {
    const begin = at;
    const lineEnd = text.indexOf('\n', begin);
    const end = lineEnd < 0 ? text.length : lineEnd;
    at = end + 1;
    if (text.charCodeAt(begin) === HASH) {
      if (tags.mayHaveUri(begin, end)) tags.write(begin, end, patch);
      if (playlistsOnly) isVariant ||= text.startsWith('#EXT-X-STREAM-INF:', begin);
      continue;
    }
    let start = begin;
    let last = end;
    while (start < last && isBlank(text.charCodeAt(start))) start++;
    while (last > start && isBlank(text.charCodeAt(last - 1))) last--;
    if (start === last) continue;
    if (playlistsOnly && !isVariant) continue;
    isVariant = false;
    tags.writeUri(start, last, patch);
  }
  return patch.result();
}

/** Space, tab, or the rest of a line end. */
const isBlank = (character: number): boolean => character === 0x20 || character === 0x09 || character === 0x0d;
