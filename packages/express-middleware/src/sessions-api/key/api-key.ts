import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { StreamSessionsError } from '@stream-sessions/core';
import { cookieValue } from '@stream-sessions/core/spi';
import type { PlaybackRequest } from '../../connect.js';
import { unauthorized, type Action } from '../access.js';
import { isOwnPage, foreignPage } from '../foreign-page.js';

/** Characters that need no escape in a header, a cookie or a URL. */
const KEY = /^[\w.~+/-]{16,512}=*$/;

/** One key for all APIs of a process that have none of their own: one file, and one line to look for. */
let ofThisProcess: string | undefined;
export const keyOfThisProcess = (): string => (ofThisProcess ??= randomBytes(24).toString('base64url'));

/** @throws StreamSessionsError ERR_BAD_OPTION, which does not show the key. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key === 'string' && KEY.test(key)) return;
  const message = 'sessionsApi(): key must be a string of at least 16 letters, digits or any of - . _ ~ + /.';
  throw new StreamSessionsError('ERR_BAD_OPTION', message);
}

/** Holds one key, and recognises it in requests. */
export class ApiKey {
  private readonly digest: Buffer;
  /** What browsers get instead: a stolen cookie does not work for scripts. */
  private readonly ticket: string;
  private readonly ticketDigest: Buffer;

  constructor(key: string) {
    this.digest = digestOf(key);
    this.ticket = createHmac('sha256', key).update('cookie').digest('base64url');
    this.ticketDigest = digestOf(this.ticket);
  }

  /** Takes equally long whatever was sent, since digests are of equal length. */
  is(given: string): boolean {
    return timingSafeEqual(digestOf(given), this.digest);
  }

  /**
   * Admits a caller that sends the key in `Authorization: Bearer`, or a browser that has its cookie, unless a foreign page sent
   * the request.
   *
   * @throws ApiError 401
   */
  check(req: PlaybackRequest, action: Action): true {
    const { authorization, cookie } = req.headers;
    if (authorization !== undefined) {
      const [, given] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
      if (given !== undefined && this.is(given)) return true;
      throw wrongKey();
    }
    const ticket = cookie === undefined ? undefined : cookieValue(cookie, cookieName(req));
    if (ticket === undefined) {
      throw unauthorized('A key is needed, as "Authorization: Bearer <key>". The server printed it when it started.');
    }
    if (!timingSafeEqual(digestOf(ticket), this.ticketDigest)) throw wrongKey();
    // browsers send cookies for every page, so a write is accepted only if it says where it comes from
    if (action === 'write' ? isOwnPage(req) : foreignPage(req) === undefined) return true;
    throw unauthorized('A page of another site sent this. Its cookie does not count.');
  }

  /** A session cookie for the paths below `path`. */
  cookie(req: PlaybackRequest, path: string, secure: boolean): string {
    const attributes = `Path=${path}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
    return `${cookieName(req)}=${this.ticket}; ${attributes}`;
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

export const wrongKey = () => unauthorized('This is not the key. The server printed it when it started.');

/** Browsers keep cookies by host, not by port: two servers on one machine must not overwrite each other's. */
const cookieName = ({ socket }: PlaybackRequest): string => `stream-sessions-${socket.localPort ?? 0}`;
