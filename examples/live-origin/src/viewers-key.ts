import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { host, isLoopback } from './address.js';

type Next = () => void;

/** What opens the list of viewers. The media are open to everybody. */
export interface ViewersKey {
  /** The secret, or undefined on loopback, where the API lets in direct local callers only. */
  readonly secret: string | undefined;
  /** For `sessionsApi()`: asks every caller for `Authorization: Bearer <secret>`. */
  readonly options: { authorize?: (req: { headers: IncomingMessage['headers'] }) => boolean };
  /** `?key=<secret>` says the same, for a link or a curl; the API sees it as the header. */
  readonly fromQuery: (req: IncomingMessage, res: ServerResponse, next: Next) => void;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A new secret for this run if the server can be reached from the network (`HOST=0.0.0.0`). */
export function viewersKey(): ViewersKey {
  if (isLoopback(host)) return { secret: undefined, options: {}, fromQuery: (_req, _res, next) => next() };

  const secret = randomBytes(12).toString('base64url');
  const expected = digest(`Bearer ${secret}`);
  return {
    secret,
    options: {
      authorize(req) {
        // digests are of equal length, so that the comparison takes the same time whatever was sent
        if (timingSafeEqual(digest(req.headers.authorization ?? ''), expected)) return true;
        throw Object.assign(new Error('The key is missing or wrong.'), { status: 401 });
      },
    },
    fromQuery(req, _res, next) {
      const [path, query] = (req.url ?? '').split('?', 2);
      const params = new URLSearchParams(query);
      const given = params.get('key');
      if (given !== null) {
        params.delete('key');
        req.headers.authorization ??= `Bearer ${given}`;
        req.url = params.size > 0 ? `${path}?${params.toString()}` : path!;
      }
      next();
    },
  };
}
