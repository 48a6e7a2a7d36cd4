import type { HttpHit, Protocol } from '@stream-sessions/core';
import { badOption, MAX_STREAM_LENGTH, MAX_TOKEN_LENGTH } from '@stream-sessions/core/spi';
import { type PlaybackRequest, routed } from './connect.js';
import { mediaPattern } from './media/extensions.js';
import type { ManifestMemory } from './media/manifest-memory.js';
import { type MediaPath, mediaPathReader, UNREADABLE } from './media/media-path.js';
import { streamName } from './media/stream-name.js';
import type { Prepared } from './options.js';
import { buildHit, targetOf } from './request/hit-from-request.js';

/** What a request turned out to be. */
export interface Observation {
  readonly hit: HttpHit;
  /** Set for a manifest: its protocol is what this viewer's fMP4 segments will be. */
  readonly manifest: boolean;
}

/** Makes the function that reads a GET: undefined lets it pass, UNREADABLE is answered 400. May throw what a callback throws. */
export function observer(options: Prepared, memory: ManifestMemory) {
  const { stream: rule, client } = options;
  const read = mediaPathReader(options.extensions);
  const pattern = mediaPattern(options.extensions);

  const mediaOf = (req: PlaybackRequest): MediaPath | typeof UNREADABLE | undefined => {
    let pathname: string | null | undefined;
    try {
      pathname = targetOf(req)?.pathname;
    } catch {
      return pattern.test(req.url ?? '') ? UNREADABLE : undefined;
    }
    return pathname ? read(pathname) : undefined;
  };

  const mountOf = (req: PlaybackRequest): string => {
    const mount = read(`${mountPath(req)}/x.ts`);
    return mount === undefined || mount === UNREADABLE ? '' : mount.path.slice(0, -'/x.ts'.length);
  };

  const streamOf = (req: PlaybackRequest, path: string): string | undefined => {
    if (typeof rule !== 'function') return streamName(path, rule, () => mountOf(req)) ?? warnNameless(req);
    const stream: unknown = rule(req);
    if (stream === undefined || stream === '') return undefined;
    if (typeof stream !== 'string') throw badOption('The result of stream', 'a string or undefined', stream);
    return stream;
  };

  /** HLS has fMP4 segments too: they are what the viewer's last manifest was. */
  const protocolOf = (media: MediaPath, hit: HttpHit): Protocol =>
    media.type.shared ? (memory.recall(viewerOf(hit)) ?? media.type.protocol) : media.type.protocol;

  return (req: PlaybackRequest): Observation | typeof UNREADABLE | undefined => {
    const media = mediaOf(req);
    if (media === undefined || media === UNREADABLE) return media;
    const stream = streamOf(req, media.path);
    if (stream === undefined) return undefined;
    const ip = client.address(req);
    if (ip === undefined) return undefined;
    let hit: HttpHit | null = buildHit(req, stream, media.type.protocol, ip, client);
    if (media.type.shared) hit.protocol = protocolOf(media, hit);
    if (options.hit !== undefined) hit = options.hit(req, hit);
    if (hit === null) return undefined;
    if (hit.stream.length > MAX_STREAM_LENGTH || (hit.token?.length ?? 0) > MAX_TOKEN_LENGTH) return UNREADABLE;
    return { hit, manifest: media.type.manifest };
  };
}

/** How the manifest memory knows a viewer. */
export const viewerOf = (hit: HttpHit) => ({
  stream: hit.stream,
  ip: hit.ip,
  name: hit.token ?? hit.sid ?? hit.playerSessionId,
  userAgent: hit.userAgent,
});

/** Express says it; `connect` only shows what it left. */
function mountPath(req: PlaybackRequest): string {
  const { baseUrl, originalUrl, url = '' } = routed(req);
  if (typeof baseUrl === 'string') return baseUrl;
  return originalUrl?.endsWith(url) ? originalUrl.slice(0, -url.length) : '';
}

let warned = false;

/** Somebody watches, and nothing says what: better said once than not counted silently. */
function warnNameless(req: PlaybackRequest): undefined {
  if (warned) return;
  warned = true;
  process.emitWarning(
    `${(req.url ?? '').slice(0, 100)} is not counted, for no directory names its stream. ` +
      "Name it with trackPlayback(tracker, { stream: () => 'cam1' }).",
    { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_NAMELESS_STREAM' },
  );
}
