import { randomBytes } from 'node:crypto';
import type { HttpHit } from '@stream-sessions/core';
import { cookieValue, RecentMap } from '@stream-sessions/core/spi';
import type { PlaybackResponse } from '../connect.js';
import { shortened } from '../kept-text.js';
import { beforeHead } from '../response/head.js';

/** MistServer's value. Each playlist renews it. */
const MAX_AGE_SECONDS = 600;
/** Viewers who keep no cookies, by place and player. */
const KEPT = { max: 50_000, generationMs: MAX_AGE_SECONDS * 1000 };
/** 128 bits: tokens made here look like this, and no others are renewed. */
const OWN = /^[0-9a-f]{32}$/;

/**
 * Names viewers by a cookie. The token is random, never chosen by a client, and authorises nothing: a policy that does not know
 * it refuses it.
 */
export class CookieTokens {
  /**
   * Tokens that were given and have not come back: a player that keeps no cookies gets the same one again, or it would be a new
   * viewer with each playlist.
   */
  private readonly given = new RecentMap<string>(KEPT);

  constructor(private readonly name: string) {}

  /** A token for a viewer who brings none. */
  give(hit: HttpHit): string {
    const key = placeOf(hit);
    const known = this.given.get(key);
    if (known !== undefined) return known;
    const token = randomBytes(16).toString('hex');
    this.given.set(key, token);
    return token;
  }

  /** Whether this viewer's token is one of ours, from its cookie: then it is renewed. */
  isBack(hit: HttpHit, cookies: string | undefined): boolean {
    const { token } = hit;
    if (token === undefined || cookies === undefined || !OWN.test(token)) return false;
    if (cookieValue(cookies, this.name) !== token) return false;
    // the next viewer in this place with this player is another one
    if (this.given.get(placeOf(hit)) === token) this.given.delete(placeOf(hit));
    return true;
  }

  /** Adds the token to the cookies of the response, which then must not be cached. */
  set(res: PlaybackResponse, token: string, secure: boolean): void {
    const site = secure ? 'SameSite=None; Secure' : 'SameSite=Lax';
    const cookie = `${this.name}=${token}; Path=/; Max-Age=${MAX_AGE_SECONDS}; HttpOnly; ${site}`;
    beforeHead(res, () => {
      const others = res.getHeader('Set-Cookie') ?? [];
      res.setHeader('Set-Cookie', [others, cookie].flat().map(String));
      res.setHeader('Cache-Control', 'no-store');
    });
  }
}

const placeOf = ({ ip, userAgent = '' }: HttpHit): string => `${ip}\n${shortened(userAgent)}`;
