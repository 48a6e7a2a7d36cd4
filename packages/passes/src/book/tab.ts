import { applySpending } from '../rules/spending.js';
import type { Awaitable, Pass, Spending } from '../types/store.js';

/** Stores the spending of one pass. Undefined: the pass no longer exists. */
export interface Ledger {
  spend(spending: Spending): Awaitable<Pass | undefined>;
}

type Stretch = Pick<Spending, 'from' | 'to' | 'bytes' | 'startedAt'>;

/** One pass of an owner, as its ledger knows it, and what was spent since. */
export class Tab {
  private kept: Pass;
  private unsaved: Stretch | undefined = undefined;
  /** Being sent to the ledger; repeated unchanged until that answers. */
  private saving: Omit<Spending, 'now'> | undefined = undefined;
  private answer: Promise<boolean> | undefined = undefined;
  private lastOp: number;
  /** The pass including everything that was spent. */
  private current: Pass | undefined = undefined;
  /** It is no longer in the ledger. */
  isGone = false;
  /** Listeners have been told that it is used up. */
  isOverTold = false;

  constructor(
    pass: Pass,
    readonly ledger: Ledger,
    private readonly writer: string,
    private readonly now: () => number,
    /** The rank of its provider: lower ones are used first. The book's own passes come last. */
    readonly rank = Infinity,
  ) {
    this.kept = pass;
    // This writer may have used it before.
    this.lastOp = pass.ops[writer] ?? 0;
  }

  get id(): string {
    return this.kept.id;
  }

  get isSaved(): boolean {
    return this.unsaved === undefined && this.saving === undefined;
  }

  /** The pass as its ledger knows it. */
  get saved(): Pass {
    return this.kept;
  }

  /** The pass including everything that was spent, saved or not. */
  get pass(): Pass {
    return (this.current ??= this.withUnsaved(this.kept));
  }

  /** The pass as it was just read from its ledger, where others may have changed it, including what was not saved yet. */
  passAsOf(read: Pass): Pass {
    const isOlder = this.savedOp(read) < this.savedOp(this.kept);
    return isOlder ? this.pass : this.withUnsaved(read);
  }

  /** Sets the state that its ledger reports by now. */
  renew(pass: Pass): void {
    this.kept = pass;
    this.current = undefined;
  }

  /** Deducts a stretch from the pass. An unsaved stretch is extended up to it, so that there is only ever one. */
  add({ from, to, bytes, startedAt }: Stretch): void {
    const before = this.unsaved;
    this.unsaved =
      before === undefined
        ? { from, to, bytes, startedAt }
        : { from: from - (before.to - before.from), to, bytes: before.bytes + bytes, startedAt: before.startedAt };
    this.current = undefined;
  }

  /**
   * Stores what was spent. One spending at a time: one that failed, or whose answer was lost, is first repeated under its number.
   * Returns whether the ledger answered as expected; false if somebody else has changed the pass.
   *
   * @throws what the ledger throws; nothing is lost then
   */
  save(): Awaitable<boolean> {
    if (this.answer !== undefined) return this.answer;
    if (this.saving === undefined) {
      if (this.unsaved === undefined) return true;
      this.saving = { ...this.unsaved, writer: this.writer, op: ++this.lastOp };
      this.unsaved = undefined;
    }
    const spending = { ...this.saving, now: this.now() };
    const expected = applySpending(this.kept, spending);
    const answer = this.ledger.spend(spending);
    if (!(answer instanceof Promise)) return this.noted(answer, expected);
    const noted = answer.then((pass) => this.noted(pass, expected)).finally(() => (this.answer = undefined));
    return (this.answer = noted);
  }

  private noted(pass: Pass | undefined, expected: Pass): boolean {
    this.saving = undefined;
    this.isGone = pass === undefined;
    this.renew(pass ?? expected);
    return pass !== undefined && isSame(pass, expected);
  }

  private savedOp({ ops }: Pass): number {
    return ops[this.writer] ?? -Infinity;
  }

  private withUnsaved(pass: Pass): Pass {
    const { writer, lastOp } = this;
    const now = this.now();
    if (this.saving !== undefined) pass = applySpending(pass, { ...this.saving, now });
    return this.unsaved === undefined ? pass : applySpending(pass, { ...this.unsaved, writer, op: lastOp + 1, now });
  }
}

/** True if nobody else has spent from it or changed it. */
const isSame = (a: Pass, b: Pass): boolean =>
  (['timeCons', 'dataCons', 'timeSecs', 'dataMb', 'startedAt', 'expDays', 'endedAt'] as const).every(
    (name) => a[name] === b[name],
  ) &&
  a.downMbits === b.downMbits &&
  a.upMbits === b.upMbits &&
  a.useGlobalSpeed === b.useGlobalSpeed;
