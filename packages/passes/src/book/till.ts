import { type Expiry, expiresAt, inOrder, leftBytes, leftMs, type Over, overAt } from '../rules/availability.js';
import { billedUntil } from '../rules/spending.js';
import type { Tab } from './tab.js';

/** Which pass pays at a moment, and until when it would if its owner goes on watching. */
export interface Payer {
  /** Undefined: no pass is left. */
  readonly tab: Tab | undefined;
  /** Epoch milliseconds; Infinity: time does not end it. */
  readonly until: number;
  /** The pass that ran out before that, and why. */
  readonly before: { readonly tab: Tab; readonly over: Over } | undefined;
}

/** The passes of one owner, and the one place where something is taken off them. */
export class Till {
  tabs: readonly Tab[] = [];
  /** What is used though nothing is left is put down here. */
  private last: Tab | undefined = undefined;

  constructor(private readonly expiry: Expiry) {}

  /** The pass that was charged last. */
  get lastUsed(): Tab | undefined {
    return this.last;
  }

  /** Usable at this time, in the order in which they are used up. */
  usable(at: number): Tab[] {
    return this.tabs
      .filter((tab) => !tab.isGone && overAt(tab.pass, at, this.expiry) === undefined)
      .sort((a, b) => (a.rank === b.rank ? inOrder(a.pass, b.pass, this.expiry) : a.rank - b.rank));
  }

  /** Takes a stretch of watching off the passes, in order: what one cannot pay any more is the next one's. */
  charge(from: number, to: number, bytes: number, openedAt: number): void {
    let at = from;
    let flowed = bytes;
    for (;;) {
      const [tab = this.last, next] = this.usable(at);
      if (tab === undefined) return;
      this.last = tab;
      // One that takes over begins when something happens; the first one with the visit.
      const startedAt = at <= openedAt ? openedAt : to;
      const until = Math.max(at, Math.min(to, this.runsOut(tab, at)));
      const taken = Math.min(flowed, leftBytes(tab.pass));
      if (next === undefined || (until === to && taken === flowed)) {
        tab.add({ from: at, to, bytes: flowed, startedAt });
        return;
      }
      tab.add({ from: at, to: until, bytes: taken, startedAt });
      at = until;
      flowed -= taken;
    }
  }

  /** Who pays at `now` if the owner has watched ever since `from`. Nothing is taken. */
  payerAt(from: number, now: number): Payer {
    let at = from;
    let before: Payer['before'];
    const gone = new Set<Tab>();
    for (;;) {
      const tab = this.usable(at).find((one) => !gone.has(one));
      if (tab === undefined) return { tab, until: at, before };
      const until = this.runsOut(tab, at);
      if (until > now) return { tab, until, before };
      gone.add(tab);
      before = { tab, over: at + leftMs(tab.pass) <= until ? 'quota_time' : 'expired' };
      at = until;
    }
  }

  /** The pass that was used last, and why it can be used no more. */
  lastOver(now: number): Payer['before'] {
    const begun = this.tabs.filter(({ pass }) => pass.startedAt !== null || pass.endedAt !== null);
    const [tab] = (begun.length > 0 ? begun : [...this.tabs]).sort(
      (a, b) => (b.pass.billedUntil ?? 0) - (a.pass.billedUntil ?? 0) || b.pass.createdAt - a.pass.createdAt,
    );
    const over = tab && overAt(tab.pass, now, this.expiry);
    return tab === undefined || over === undefined ? undefined : { tab, over };
  }

  /** When it ends if it pays from `at` on. */
  private runsOut({ pass }: Tab, at: number): number {
    const expires = expiresAt(pass.startedAt === null ? { ...pass, startedAt: at } : pass, this.expiry);
    return Math.min(at + leftMs(pass), expires);
  }

  /** Until when its owner's watching was billed, by whomever. Epoch milliseconds. */
  billedUntil(now: number): number {
    return Math.max(-Infinity, ...this.tabs.map(({ pass }) => billedUntil(pass, now)));
  }

  /** Those that have been used up since it was asked last. */
  *newlyOver(now: number): Generator<{ tab: Tab; over: Over }> {
    for (const tab of this.tabs) {
      const over = tab.isOverTold ? undefined : overAt(tab.pass, now, this.expiry);
      if (over === undefined) continue;
      tab.isOverTold = true;
      yield { tab, over };
    }
  }
}
