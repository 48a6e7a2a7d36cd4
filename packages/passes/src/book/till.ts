import {
  type Expiry,
  expiresAt,
  inOrder,
  leftBytes,
  leftMs,
  orNever,
  type Over,
  overAt,
} from '../rules/availability.js';
import { billedUntil } from '../rules/spending.js';
import type { Tab } from './tab.js';

/** The pass that pays at a given moment, and until when it would pay if its owner keeps watching. */
export interface Payer {
  /** Undefined: no pass is left. */
  readonly tab: Tab | undefined;
  /** Epoch milliseconds; Infinity: not limited by time. */
  readonly until: number;
  /** The pass that ran out before it, and why. */
  readonly before: { readonly tab: Tab; readonly over: Over } | undefined;
}

/** The passes of one owner. Only this class deducts from them. */
export class Till {
  tabs: readonly Tab[] = [];
  /** The pass that is charged for use although nothing is left. */
  private last: Tab | undefined = undefined;

  constructor(private readonly expiry: Expiry) {}

  /** The pass that was charged last. */
  get lastUsed(): Tab | undefined {
    return this.last;
  }

  /** The passes usable at this time, in order of use. */
  usable(at: number): Tab[] {
    return this.tabs
      .filter((tab) => !tab.isGone && overAt(tab.pass, at, this.expiry) === undefined)
      .sort((a, b) => (a.rank === b.rank ? inOrder(a.pass, b.pass, this.expiry) : a.rank - b.rank));
  }

  /** Deducts a stretch of watching from the passes in order: what one can no longer pay is charged to the next. */
  charge(from: number, to: number, bytes: number, openedAt: number): void {
    let at = from;
    let flowed = bytes;
    for (;;) {
      const [tab = this.last, next] = this.usable(at);
      if (tab === undefined) return;
      this.last = tab;
      // A succeeding pass begins when something happens; the first one begins with the visit.
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

  /** The pass that pays at `now` if the owner has been watching since `from`. Nothing is deducted. */
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

  /** The pass that was used last, and why it can no longer be used. */
  lastOver(now: number): Payer['before'] {
    const begun = this.tabs.filter(({ pass }) => pass.startedAt !== null || pass.endedAt !== null);
    const [tab] = (begun.length > 0 ? begun : [...this.tabs]).sort(
      (a, b) => (b.pass.billedUntil ?? 0) - (a.pass.billedUntil ?? 0) || b.pass.createdAt - a.pass.createdAt,
    );
    const over = tab && overAt(tab.pass, now, this.expiry);
    return tab === undefined || over === undefined ? undefined : { tab, over };
  }

  /** When the pass ends if it pays from `at` on. */
  private runsOut({ pass }: Tab, at: number): number {
    const expires = expiresAt(pass.startedAt === null ? { ...pass, startedAt: at } : pass, this.expiry);
    return Math.min(orNever(at + leftMs(pass)), expires);
  }

  /** Until when the owner's watching was billed, by any writer. Epoch milliseconds. */
  billedUntil(now: number): number {
    return Math.max(-Infinity, ...this.tabs.map(({ pass }) => billedUntil(pass, now)));
  }

  /** The passes that have been used up since the last call. */
  *newlyOver(now: number): Generator<{ tab: Tab; over: Over }> {
    for (const tab of this.tabs) {
      const over = tab.isOverTold ? undefined : overAt(tab.pass, now, this.expiry);
      if (over === undefined) continue;
      tab.isOverTold = true;
      yield { tab, over };
    }
  }
}
