import { applySpending } from '../rules/spending.js';
import { checkData } from '../rules/terms.js';
import type { Ledger } from '../book/tab.js';
import type { SessionData } from '../types/session-data.js';
import type { CallOptions, SessionSource } from '../types/source.js';
import type { Pass, Spending } from '../types/store.js';

/** Calls a source with a time limit. */
export type Call = <T>(call: (options: CallOptions) => T | PromiseLike<T>) => Promise<T>;

/** What was to be saved, and perhaps was. */
interface Attempt {
  readonly op: number;
  readonly data: SessionData;
  readonly after: Pass;
}

/** Writes to a source that can only save a pass as a whole: reloads it first, and adds to it. */
export class SourceLedger implements Ledger {
  /** Milliseconds beyond the whole seconds that were saved. */
  private restMs = 0;
  private billedUntil: number | null = null;
  private attempt: Attempt | undefined = undefined;

  constructor(
    private readonly id: string,
    private readonly owner: string,
    public source: SessionSource,
    private readonly call: Call,
  ) {}

  /** The pass according to its source. @throws StreamSessionsError ERR_BAD_PASS */
  passOf(data: SessionData): Pass {
    checkData(data);
    const { id, owner, billedUntil } = this;
    const timeCons = (Math.round(data.timeCons * 1e3) + this.restMs) / 1e3;
    return { ...data, timeCons, id, owner, billedUntil, endedAt: null, ops: {} };
  }

  async spend(spending: Spending): Promise<Pass> {
    const { source } = this;
    const known = await this.call((options) => source.reload(options));
    const { attempt } = this;
    // The response to the last save was lost, but not what it saved.
    if (attempt?.op === spending.op && isSame(attempt.data, known)) return this.saved(attempt);
    const after = applySpending(this.passOf(known), spending);
    const { timeCons, dataCons, startedAt } = after;
    const next = { op: spending.op, data: { ...known, timeCons: Math.floor(timeCons), dataCons, startedAt }, after };
    this.attempt = next;
    await this.call((options) => source.save(next.data, options));
    return this.saved(next);
  }

  private saved({ data, after }: Attempt): Pass {
    this.attempt = undefined;
    this.restMs = Math.round((after.timeCons - data.timeCons) * 1e3);
    this.billedUntil = after.billedUntil;
    return { ...after, ops: {} };
  }
}

const isSame = (a: SessionData, b: SessionData): boolean =>
  a.timeCons === b.timeCons && a.dataCons === b.dataCons && a.startedAt === b.startedAt;
