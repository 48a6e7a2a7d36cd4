import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { SessionDirectory } from '@stream-sessions/core';
import { badOption, needDirectory, unreachable } from '@stream-sessions/core/spi';
import Negotiator from 'negotiator';
import { familiesOf } from './families.js';
import { checkedStreams, KNOWN, type MetricsOptions } from './options.js';
import { type Form, writeText } from './text.js';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Answers a scrape in Express 4 and 5, `connect`, `http` and `http2`. */
export type MetricsHandler = (req: Request, res: Response) => void;

/** Options of `metricsHandler()`. */
export interface MetricsHandlerOptions extends MetricsOptions {
  /**
   * Decides who may scrape: true grants access, anything else is answered with 403, and an error with the status 401 with that.
   * `localOnly` of the middleware is such a function. Default: everyone who gets this far.
   */
  readonly authorize?: { call(req: Request): boolean | Promise<boolean> }['call'] | undefined;
}

/** The first is for scrapers that accept both. */
const TYPES: Readonly<Record<string, Form>> = {
  'text/plain; version=0.0.4; charset=utf-8': 'prometheus',
  'application/openmetrics-text; version=1.0.0; charset=utf-8': 'openmetrics',
};
const [DEFAULT_TYPE = ''] = Object.keys(TYPES);

/**
 * Answers every GET with the metrics of a directory, read at that moment: OpenMetrics 1.0 for scrapers that prefer it, the
 * Prometheus text format for all others.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.get('/metrics', metricsHandler(tracker));
 */
export function metricsHandler(directory: SessionDirectory, options: MetricsHandlerOptions = {}): MetricsHandler {
  needDirectory('metricsHandler(): the first argument', directory);
  const families = familiesOf(checkedStreams('metricsHandler()', options, [...KNOWN, 'authorize']));
  const { authorize = () => true } = options;
  if (typeof authorize !== 'function') throw badOption('authorize', 'a function', authorize);

  async function serve(req: Request, res: Response): Promise<void> {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD');
      return end(req, res, 405, 'Use GET.\n');
    }
    if ((await authorize(req)) !== true) return end(req, res, 403, 'You are not allowed to do this.\n');
    const type = typeFor(req);
    const text = writeText(families, await directory.stats(), TYPES[type] ?? 'prometheus');
    res.setHeader('Vary', 'Accept');
    res.setHeader('Cache-Control', 'no-store');
    end(req, res, 200, text, type);
  }

  return (req, res) => {
    serve(req, res).catch((error: unknown) => {
      const status = (error as { status?: unknown } | null)?.status;
      if (status === 401 || status === 403) return end(req, res, status, 'You are not allowed to do this.\n');
      const busy = unreachable(error);
      if (busy === undefined) return end(req, res, 500, 'Internal server error.\n');
      if (!res.headersSent) for (const [name, value] of Object.entries(busy.headers)) res.setHeader(name, value);
      end(req, res, busy.status, `${busy.message}\n`);
    });
  };
}

/** Prometheus 3 also specifies how to escape names: ours need no escaping. */
function typeFor({ headers }: Request): string {
  const accept = headers.accept?.replaceAll(/; ?escaping=[\w-]*/g, '');
  const [best = DEFAULT_TYPE] = new Negotiator({ headers: accept === undefined ? {} : { accept } }).mediaTypes(
    Object.keys(TYPES),
  );
  return best;
}

function end(req: Request, res: Response, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  if (res.headersSent || res.destroyed) return;
  res.statusCode = status;
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.setHeader('X-Content-Type-Options', 'nosniff');
  const body = res as { end(text?: string): unknown };
  if (req.method === 'HEAD') body.end();
  else body.end(text);
}
