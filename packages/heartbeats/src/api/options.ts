import type { IncomingMessage } from 'node:http';
import { badOption, checkOptions, isOrigin } from '@stream-sessions/core/spi';

/** The client of a request, identified as `trackPlayback` does it, so that a page and its media count as one viewer. */
export interface Client {
  /** Without a port. */
  readonly ip: string;
  readonly userAgent?: string | undefined;
  readonly token?: string | undefined;
}

/** Options of `heartbeatApi()`. */
export interface HeartbeatApiOptions {
  /** Who may list connections: true grants access, anything else is answered with 403. Default: nobody. */
  readonly authorize?: ((req: IncomingMessage) => boolean | Promise<boolean>) | undefined;
  /**
   * The origins whose pages may send heartbeats, besides those of this host: a list like `['https://example.com']`. Others are
   * answered with 403. Default `'*'`: all.
   */
  readonly origins?: '*' | readonly string[] | undefined;
  /** How many connections one address may have. Default 20. */
  readonly maxPerAddress?: number | undefined;
  /** How often pages should send heartbeats, in milliseconds. Default: a third of the window. */
  readonly intervalMs?: number | undefined;
  /**
   * Identifies the client of a request. Default: Express's `req.ip`, which follows its `trust proxy`, or else the address of the
   * socket; the User-Agent, and the viewer token of the query. To read a token from a cookie as well: `(req) =>
   * hitFromRequest(req, …)`.
   */
  readonly client?: ((req: IncomingMessage) => Client) | undefined;
}

/** The options, with their defaults. */
export type HeartbeatApiSettings = Required<Omit<HeartbeatApiOptions, 'client'>> & Pick<HeartbeatApiOptions, 'client'>;

const KNOWN: readonly (keyof HeartbeatApiOptions)[] = ['authorize', 'origins', 'maxPerAddress', 'intervalMs', 'client'];

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function settingsOf(options: HeartbeatApiOptions, windowMs: number): HeartbeatApiSettings {
  checkOptions('heartbeatApi()', options, KNOWN);
  const { authorize = () => false, origins = '*', maxPerAddress = 20, client } = options;
  const { intervalMs = Math.ceil(windowMs / 3) } = options;
  for (const [name, value] of Object.entries({ authorize, client })) {
    if (value !== undefined && typeof value !== 'function') throw badOption(name, 'a function', value);
  }
  if (origins !== '*' && !(Array.isArray(origins) && origins.every(isOrigin)))
    throw badOption('origins', '"*", or a list like ["https://example.com"]', origins);
  if (!(typeof maxPerAddress === 'number' && maxPerAddress > 0))
    throw badOption('maxPerAddress', 'a number above 0', maxPerAddress);
  if (!(typeof intervalMs === 'number' && intervalMs > 0 && intervalMs < windowMs)) {
    throw badOption('intervalMs', `above 0, and shorter than the window of ${windowMs} ms`, intervalMs);
  }
  return { authorize, origins, maxPerAddress, intervalMs, ...(client !== undefined && { client }) };
}
