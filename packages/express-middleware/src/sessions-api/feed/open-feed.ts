import { ApiError, everyMs, isGone, keepPrivate } from '@stream-sessions/core/spi';
import Negotiator from 'negotiator';
import type { PlaybackRequest, PlaybackResponse } from '../../connect.js';
import type { Asked } from '../query.js';
import { FeedClient } from './client.js';
import { plain } from './encoding.js';
import type { Feed } from './feed.js';
import { readFeedFilter } from './filter.js';

const ASK_AGAIN_MS = 60_000;

/** What a request for the feed consists of. */
export interface FeedCall extends Asked {
  readonly feed: Feed;
  readonly req: PlaybackRequest;
  readonly res: PlaybackResponse;
  /** Checks again whether the caller may read; rejects if not. */
  readonly checkAccess: () => Promise<void>;
}

/**
 * Answers with Server-Sent Events until the client leaves, is too slow, or may no longer read.
 *
 * @throws ApiError 400, 503
 */
export function openFeed({ feed, req, res, query, lists, checkAccess }: FeedCall): void {
  const filter = readFeedFilter({ query, lists });
  // gone while its access was being checked
  if (isGone(res)) return;
  if (feed.isFull) {
    throw new ApiError(503, 'TOO_MANY_CLIENTS', 'The feed has too many clients. Try again later.', {
      'Retry-After': '5',
    });
  }
  keepPrivate(res);
  // no-transform: compression in transit would hold back small messages
  res.setHeader('Cache-Control', 'no-store, no-transform');
  res.setHeader('X-Accel-Buffering', 'no');
  res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  if (req.httpVersionMajor === 1) {
    // it ends with its connection: with chunked encoding, each of the many writes would cost a fifth more
    res.setHeader('Connection', 'close');
    res.removeHeader('Transfer-Encoding');
  }
  const takesGzip = new Negotiator(req).encoding(['gzip', 'identity']) === 'gzip';
  const encoding = takesGzip ? feed.encodingFor(filter) : plain;
  if (encoding.name !== undefined) res.setHeader('Content-Encoding', encoding.name);
  res.statusCode = 200;
  if (req.method === 'HEAD') return void (res as { end(): unknown }).end();
  // the last event that a reconnecting browser saw is newer than the URL it was opened with
  const after = req.headers['last-event-id'] ?? query.get('after');
  const client = new FeedClient(res, encoding);
  const leave = feed.join(client, filter, typeof after === 'string' && after !== '' ? after : undefined);
  const stopAsking = everyMs(feed.clock, ASK_AGAIN_MS, () => void checkAccess().catch(() => client.end()));
  res.once('close', () => {
    stopAsking();
    leave();
  });
}
