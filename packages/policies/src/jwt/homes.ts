import type { Candidate, PlaySession } from '@stream-sessions/core';
import { AddressReader } from '@stream-sessions/core/spi';
import { hashOf } from '../support/hash.js';
import { kindOf } from '../support/kinds.js';
import type { Grant } from './grant.js';

interface Home {
  readonly session: string;
  readonly sid: string | undefined;
  /** Where it was last seen. */
  readonly place: string;
  readonly expiresAt: number;
}

const addresses = new AddressReader(64);

/**
 * Which live session a renewed token continues: that of the same user on the same stream from the same address (IPv6: its /64)
 * and user agent, or of the same `sid` (or `jti`) claim. Two tokens whose `sid` differ are two viewers. One token at two
 * addresses is not renewed but shared: those are two viewers as well.
 */
export class Homes {
  private readonly homes = new Map<string, Home>();
  private readonly keysOf = new Map<string, readonly string[]>();

  find(candidate: Candidate, grant: Grant): string | undefined {
    if (candidate.session !== undefined || isConnection(candidate)) return undefined;
    const place = placeOf(candidate);
    for (const key of keys(candidate, grant)) {
      const home = this.homes.get(key);
      if (home === undefined) continue;
      if (home.sid !== undefined && grant.sid !== undefined && home.sid !== grant.sid) continue;
      if (home.place === place || grant.expiresAt > home.expiresAt) return home.session;
    }
    return undefined;
  }

  /** This token was used to enter this session. */
  note(candidate: Candidate, grant: Grant, { id }: PlaySession): void {
    if (isConnection(candidate)) return;
    const found = keys(candidate, grant);
    const { sid } = grant;
    const before = found.map((key) => this.homes.get(key)).find((home) => home?.session === id);
    const expiresAt = Math.max(grant.expiresAt, before?.expiresAt ?? 0);
    this.forget(id);
    if (found.length === 0) return;
    const home: Home = { session: id, sid, place: placeOf(candidate), expiresAt };
    for (const key of found) this.homes.set(key, home);
    this.keysOf.set(id, found);
  }

  /** The session has ended. */
  forget(id: string): void {
    for (const key of this.keysOf.get(id) ?? []) if (this.homes.get(key)?.session === id) this.homes.delete(key);
    this.keysOf.delete(id);
  }
}

/** A reconnecting client is another session, with an end of its own. */
const isConnection = ({ remoteAddress }: Candidate): boolean => remoteAddress !== undefined;

const placeOf = ({ ip }: Candidate): string => hashOf([addresses.network(ip)]);

/** Hashes, because their parts are long and chosen by strangers. */
function keys(candidate: Candidate, { user, sid }: Grant): string[] {
  const { stream, ip, userAgent } = candidate;
  const kind = kindOf(candidate);
  const found: string[] = [];
  if (sid !== undefined) found.push(hashOf(['sid', kind, stream, user, sid]));
  if (user !== undefined) found.push(hashOf(['user', kind, stream, user, addresses.network(ip), userAgent]));
  return found;
}
