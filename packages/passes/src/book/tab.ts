import { applySpending } from '../rules/spending.js';
import type { Awaitable, Pass, Spending } from '../types/store.js';

/** Where the spending of one pass is written down. Undefined: it is not there any more. */
export interface Ledger {
  spend(spending: Spending): Awaitable<Pass | undefined>;
}

type Stretch = Pick<Spending, 'from' | 'to' | 'bytes' | 'startedAt'>;

/** One pass of an owner: as its ledger knows it, and what was spent since. */
export class Tab {
  private kept: Pass;
  private unsaved: Stretch | undefined = undefined;
  /** On its way to the ledger; repeated as it is until that answers. */
  private saving: Omit<Spending, 'now'> | undefined = undefined;
  private answer: Promise<boolean> | undefined = undefined;
  private lastOp: number;
  /** What its pass is with all that was spent. */
  private current: Pass | undefined = undefined;
  /** It is not in the ledger any more. */
  isGone = false;
  /** Those who listen know that it is used up. */
  isOverTold = false;

  constructor(
    pass: Pass,
    readonly ledger: Ledger,
    private readonly writer: string,
    private readonly now: () => number,
    /** Of its provider: those with a lower one are used first. Passes of the book itself come last. */
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

  /** The pass, and what was spent of it, saved or not. */
  get pass(): Pass {
    return (this.current ??= this.withUnsaved());
  }

  /** This is what its ledger says by now. */
  renew(pass: Pass): void {
    this.kept = pass;
    this.current = undefined;
  }

  /** Takes it off the pass. What was not saved yet is moved up to it, so that there is only ever one stretch. */
  add({ from, to, bytes, startedAt }: Stretch): void {
    const before = this.unsaved;
    this.unsaved =
      before === undefined
        ? { from, to, bytes, startedAt }
        : { from: from - (before.to - before.from), to, bytes: before.bytes + bytes, startedAt: before.startedAt };
    this.current = undefined;
  }

  /**
   * Writes down what was spent. One spending at a time: one that failed, or whose answer was lost, is repeated under its
   * number first. Returns whether the ledger answered as expected: false when somebody else has changed the pass.
   *
   * @throws what the ledger throws; nothing is lost
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

  private withUnsaved(): Pass {
    const { writer, lastOp } = this;
    const now = this.now();
    let { kept: pass } = this;
    if (this.saving !== undefined) pass = applySpending(pass, { ...this.saving, now });
    return this.unsaved === undefined ? pass : applySpending(pass, { ...this.unsaved, writer, op: lastOp + 1, now });
  }
}

/** Nobody else has spent or changed it. */
const isSame = (a: Pass, b: Pass): boolean =>
  (['timeCons', 'dataCons', 'timeSecs', 'dataMb', 'startedAt', 'expDays', 'endedAt'] as const).every(
    (name) => a[name] === b[name],
  ) &&
  a.downMbits === b.downMbits &&
  a.upMbits === b.upMbits &&
  a.useGlobalSpeed === b.useGlobalSpeed;
