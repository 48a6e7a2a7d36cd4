import type { HttpHit } from '@stream-sessions/core';
import { atOnce, badOption, MAX_STREAM_LENGTH, MAX_TOKEN_LENGTH } from '@stream-sessions/core/spi';
import type { PlaybackRequest } from './connect.js';
import type { ManifestMemory } from './media/manifest-memory.js';
import { UNREADABLE } from './media/media-path.js';
import type { MediaRequest } from './media/media-request.js';
import { mountOf } from './media/mount.js';
import { streamOfCallback, streamOfMount, streamOfPath } from './media/stream-name.js';
import type { Prepared } from './options.js';
import { buildHit } from './request/hit-from-request.js';
import type { RequestInfo } from './request/request-info.js';

/**
 * Makes the function that builds the hit of a media request. Undefined: it is not tracked. UNREADABLE: it exceeds a length limit,
 * or servers would not agree on what it names. NAMELESS: its stream cannot be determined. Rethrows what a user's callback throws.
 */
export function hitBuilder(options: Prepared, memory: ManifestMemory) {
  const { stream: rule, client, timeshift, tokens } = options;
  const tentative = !options.countErrors;

  const streamOf = (req: PlaybackRequest, path: string) => {
    if (typeof rule === 'function') return streamOfCallback(atOnce(rule(req), 'stream()'));
    const stream = streamOfPath(path, rule);
    if (stream !== undefined) return stream;
    const mount = mountOf(req);
    return mount === undefined ? UNREADABLE : streamOfMount(mount);
  };

  return (seen: RequestInfo, { path, type, query }: MediaRequest) => {
    const stream = streamOf(seen.req, path);
    if (typeof stream !== 'string') return stream;
    const ip = client.address(seen);
    if (ip === undefined) return undefined;
    const dvr = timeshift(seen.req, query, type.manifest);
    let hit: HttpHit | null = buildHit(seen, query, stream, type.protocol, ip, dvr, client, tokens);
    hit.tentative = tentative;
    // HLS has fMP4 segments too: they belong to whatever the viewer's last manifest was
    if (type.shared) hit.protocol = memory.recall(viewerOf(hit)) ?? type.protocol;
    if (options.hit !== undefined) hit = atOnce(options.hit(seen.req, hit), 'hit()');
    if (hit === null) return undefined;
    if (typeof hit !== 'object') throw badOption('The result of hit', 'a hit, or null', hit);
    if (hit.tentative === undefined) hit = { ...hit, tentative };
    const tooLong = hit.stream?.length > MAX_STREAM_LENGTH || (hit.token?.length ?? 0) > MAX_TOKEN_LENGTH;
    return tooLong ? UNREADABLE : hit;
  };
}

/** The key of a viewer in the manifest memory. */
export const viewerOf = (hit: HttpHit) => ({
  stream: hit.stream,
  ip: hit.ip,
  name: hit.token ?? hit.sid ?? hit.playerSessionId,
  userAgent: hit.userAgent,
});
