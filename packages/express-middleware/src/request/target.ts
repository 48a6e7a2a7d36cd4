import parseurl from 'parseurl';
import type { PlaybackRequest } from '../connect.js';

/** What a request asks for. */
export interface Target {
  readonly pathname: string | null;
  /** Without `?`. */
  readonly query: string | null;
}

/** As Express itself reads it: with the same parser, and the same memo on the request. May throw, as Express does. */
export const targetOf = (req: PlaybackRequest): Target | undefined =>
  parseurl(req as Parameters<typeof parseurl>[0]) as Target | undefined;
