import { ownCopy } from '../support/strings.js';
import type { DenialEntry } from './denial-table.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';

/** So many refusals are kept twice: of those who came lately, and of those who came before them. */
const MAX_YOUNG = 4096;
/** Of those who share a token, or an address without one. */
const MAX_ALIKE = 8;
/** Who brings longer texts than this, all of them together, is not kept: strangers choose them. */
const MAX_LENGTH = 1024;

/** An asker as it was, and what refused it. */
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
  private readonly offer: string;

  constructor(
    asker: ResolvedHit,
    readonly entry: DenialEntry,
  ) {
    const own = (text: string | undefined): string | undefined => (text === undefined ? undefined : ownCopy(text));
    this.kind = asker.kind;
    this.stream = ownCopy(asker.stream);
    this.protocol = ownCopy(asker.protocol);
    this.ip = ownCopy(asker.ip);
    this.userAgent = own(asker.userAgent);
    this.user = own(asker.user);
    this.token = own(asker.token);
    this.sid = own(asker.sid);
    this.playerSessionId = own(asker.playerSessionId);
    this.offer = ownCopy(asker.offer);
  }

  isOf(asker: ResolvedHit): boolean {
    return (
      this.stream === asker.stream &&
      this.ip === asker.ip &&
      this.protocol === asker.protocol &&
      this.kind === asker.kind &&
      this.userAgent === asker.userAgent &&
      this.token === asker.token &&
      this.sid === asker.sid &&
      this.playerSessionId === asker.playerSessionId &&
      this.user === asker.user &&
      this.offer === asker.offer
    );
  }
}

/**
 * Who was refused a moment ago, and under which denial: who is out and tries on costs a look-up and a few comparisons,
 * instead of a key (and a hash) for every shape of denial in use. Only remembers; what is not here is looked up.
 */
export class RefusalMemo {
  private young = new Map<string, Refusal[]>();
  private old = new Map<string, Refusal[]>();
  private youngCount = 0;

  /** The denial that refused this asker and still holds. */
  find(asker: ResolvedHit, now: number): DenialEntry | undefined {
    const key = keyOf(asker);
    const alike = this.young.get(key) ?? this.old.get(key);
    if (alike === undefined) return undefined;
    for (const refusal of alike) {
      if (refusal.entry.isHeld && refusal.entry.until > now && refusal.isOf(asker)) return refusal.entry;
    }
    return undefined;
  }

  note(asker: ResolvedHit, entry: DenialEntry): void {
    const { token = '', userAgent = '', offer, sid = '', playerSessionId = '', user = '' } = asker;
    if ([token, userAgent, offer, sid, playerSessionId, user].join('').length > MAX_LENGTH) return;
    const key = keyOf(asker);
    const alike = (this.young.get(key) ?? this.old.get(key) ?? []).filter((refusal) => refusal.entry.isHeld);
    if (alike.length >= MAX_ALIKE) alike.shift();
    alike.push(new Refusal(asker, entry));
    if (++this.youngCount > MAX_YOUNG) {
      this.old = this.young;
      this.young = new Map();
      this.youngCount = 1;
    }
    this.young.set(ownCopy(key), alike);
  }

  /** What refuses whom may have changed. */
  clear(): void {
    this.young.clear();
    this.old.clear();
    this.youngCount = 0;
  }
}

const keyOf = ({ token, ip }: ResolvedHit): string => token ?? ip;
