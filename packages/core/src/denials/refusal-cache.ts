import { RecentMap } from '../collections/recent-map.js';
import { ownCopy } from '../support/strings.js';
import type { DenialEntry } from './denial-entry.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';

/** Tokens (or addresses, for hits without one) per generation. */
const MAX_KEYS = 2048;
/** Refusals kept per token, or per address without one. */
const MAX_ALIKE = 8;
/** Hits whose texts are longer than this in total are not cached, because strangers choose them. */
const MAX_LENGTH = 1024;

/** A refused hit, and the denial that refused it. */
class Refusal {
  private readonly kind: string;
  private readonly stream: string;
  private readonly protocol: string;
  private readonly ip: string;
  private readonly userAgent: string | undefined;
  private readonly user: string | undefined;
  private readonly token: string | undefined;
  private readonly sid: string | undefined;
  private readonly playerSessionId: string | undefined;
  private readonly requestKey: string;

  constructor(
    resolved: ResolvedHit,
    readonly entry: DenialEntry,
  ) {
    const own = (text: string | undefined): string | undefined => (text === undefined ? undefined : ownCopy(text));
    this.kind = resolved.kind;
    this.stream = ownCopy(resolved.stream);
    this.protocol = ownCopy(resolved.protocol);
    this.ip = ownCopy(resolved.ip);
    this.userAgent = own(resolved.userAgent);
    this.user = own(resolved.user);
    this.token = own(resolved.token);
    this.sid = own(resolved.sid);
    this.playerSessionId = own(resolved.playerSessionId);
    this.requestKey = ownCopy(resolved.requestKey);
  }

  isOf(resolved: ResolvedHit): boolean {
    return (
      this.stream === resolved.stream &&
      this.ip === resolved.ip &&
      this.protocol === resolved.protocol &&
      this.kind === resolved.kind &&
      this.userAgent === resolved.userAgent &&
      this.token === resolved.token &&
      this.sid === resolved.sid &&
      this.playerSessionId === resolved.playerSessionId &&
      this.user === resolved.user &&
      this.requestKey === resolved.requestKey
    );
  }
}

/**
 * Remembers who was refused a moment ago, and under which denial: a refused client that keeps retrying costs a look-up and a few
 * comparisons, instead of a key (and a hash) for every shape of denial in use. It is only a cache: a miss goes to the tables.
 */
export class RefusalCache {
  private readonly recent = new RecentMap<Refusal[]>({ max: MAX_KEYS });

  /** The denial that refused this hit and still applies. */
  find(resolved: ResolvedHit, now: number): DenialEntry | undefined {
    const alike = this.recent.get(keyOf(resolved));
    if (alike === undefined) return undefined;
    for (const refusal of alike) {
      if (refusal.entry.isHeld && refusal.entry.until > now && refusal.isOf(resolved)) return refusal.entry;
    }
    return undefined;
  }

  note(resolved: ResolvedHit, entry: DenialEntry): void {
    const { token = '', userAgent = '', requestKey, sid = '', playerSessionId = '', user = '' } = resolved;
    if ([token, userAgent, requestKey, sid, playerSessionId, user].join('').length > MAX_LENGTH) return;
    const key = keyOf(resolved);
    const alike = (this.recent.get(key) ?? []).filter((refusal) => refusal.entry.isHeld);
    if (alike.length >= MAX_ALIKE) alike.shift();
    alike.push(new Refusal(resolved, entry));
    this.recent.set(key, alike);
  }

  /** Which denials apply may have changed. */
  clear(): void {
    this.recent.clear();
  }
}

const keyOf = ({ token, ip }: ResolvedHit): string => token ?? ip;
