import type { RequestHandle } from '@stream-sessions/core';
import type { RequestInfo } from '../request/request-info.js';
import { cmcdDecoder, loadCmcdDecoder } from './decoder.js';
import { qualityOf, withStarvations } from './quality.js';
import { cmcdText, HEADERS } from './raw.js';

/** Decoding takes ten microseconds, a few per cent of the cost of a segment, so it is done only this often. Milliseconds. */
const EVERY_MS = 5_000;
/**
 * A report that is not about video (but about audio or playlists) counts only if there has been none about video for this long.
 * Milliseconds.
 */
const PICTURE_LASTS_MS = 15_000;

const STARVED = /(?:^|,)\s*bs(?:[,=\s]|$)/;
const BUFFER = /(?:^|,)\s*bl=/;
const AUDIO = /(?:^|,)\s*ot=a(?:[,\s]|$)/;

/**
 * Adds what players report by CMCD to their sessions: at once if a session has no report or the player has starved, otherwise
 * every few seconds.
 */
export class CmcdReports {
  constructor(private readonly hide: (text: string, token: string | undefined) => string) {
    loadCmcdDecoder().catch((error: unknown) => warnUnavailable(error));
  }

  /** Called for every segment: most requests have no CMCD, and of the others most are not decoded. */
  take({ headers }: RequestInfo, query: string, handle: RequestHandle, token: string | undefined): void {
    if (!query.includes('CMCD=') && !HEADERS.some((name) => headers[name] !== undefined)) return;
    const { msSinceReport } = handle;
    // not even unescaped
    if (msSinceReport < EVERY_MS && !query.includes('bs') && headers['cmcd-status'] === undefined) return;
    const text = cmcdText(query, headers);
    if (text === undefined) return;
    const isOfPicture = BUFFER.test(text) && !AUDIO.test(text);
    const isDue = msSinceReport >= (isOfPicture ? EVERY_MS : PICTURE_LASTS_MS);
    if (!isDue && !STARVED.test(text)) return;
    const decode = cmcdDecoder();
    const quality = decode && qualityOf(text, decode, (said) => this.hide(said, token));
    if (quality === undefined) return;
    // audio that ran dry says nothing else about the video
    const figures = isDue || isOfPicture ? quality : { bs: quality.bs === true };
    handle.report(figures.bs === true ? withStarvations(figures, handle.session?.quality) : figures, !isOfPicture);
  }
}

let warned = false;

function warnUnavailable(error: unknown): void {
  if (warned) return;
  warned = true;
  process.emitWarning(`@svta/cml-cmcd cannot be loaded, so sessions have no quality: ${String(error)}`, {
    type: 'StreamSessionsWarning',
    code: 'STREAM_SESSIONS_CMCD_UNAVAILABLE',
  });
}
