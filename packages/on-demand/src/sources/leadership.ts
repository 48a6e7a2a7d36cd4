import type { SourceLease, SourceShare } from '../lease/lease.js';
import type { SourcesSettings } from '../options.js';

/** Changes are shared this soon, and no more often. Milliseconds. */
const SOON_MS = 50;

/** What leadership tells and asks the source manager. */
export interface Leader {
  /** What other processes should know. */
  share(): SourceShare;
  /** This process decides from now on, once the promise has resolved. */
  gained(): Promise<void>;
  /** Another process may decide now. */
  lost(): void;
  /** The lease and the shares of the others have been checked. */
  looked(): void;
}

/** Whether this process decides about the sources, and what it knows about the processes that share them. */
export class Leadership {
  /** The streams watched in other processes, and the running sources according to the process that decides. */
  watched: ReadonlySet<string> = new Set();
  running: ReadonlySet<string> = new Set();
  private leads: boolean;
  private looking: Promise<void> | undefined = undefined;
  private timer: unknown = undefined;
  private isClosed = false;
  /** Something failed in this check. It was reported, and is not reported again until a check succeeds. */
  private hasFailed = false;
  private hasComplained = false;

  constructor(
    private readonly lease: SourceLease | undefined,
    private readonly leader: Leader,
    private readonly settings: Pick<SourcesSettings, 'clock' | 'logger'>,
  ) {
    this.leads = lease === undefined;
  }

  /** Without a lease, this process always decides. */
  get decides(): boolean {
    return this.leads && this.lease?.held() !== false;
  }

  /** Checks who decides now. */
  look(): void {
    if (this.lease === undefined) return this.leader.looked();
    if (this.isClosed) return;
    this.looking ??= this.lookAt(this.lease).finally(() => (this.looking = undefined));
  }

  /** Something is watched or running that the others do not know about yet. */
  soon(): void {
    if (this.lease === undefined || this.isClosed) return;
    this.timer ??= this.settings.clock.setTimeout(() => {
      this.timer = undefined;
      this.look();
    }, SOON_MS);
  }

  /** Nothing here is running any more: another process may decide. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.timer !== undefined) this.settings.clock.clearTimeout(this.timer);
    await this.looking;
    await this.lease?.release().catch((error: unknown) => this.complain(error));
  }

  private async lookAt(lease: SourceLease): Promise<void> {
    this.hasFailed = false;
    const isHeld = await this.attempt(() => lease.acquire(), false);
    if (this.isClosed) return;
    if (this.leads && !(isHeld && lease.held())) {
      this.leads = false;
      this.leader.lost();
    }
    const others = await this.attempt(async () => lease.share?.(this.leader.share()), undefined);
    if (others !== undefined) {
      this.watched = new Set(others.flatMap(({ watched }) => watched));
      this.running = new Set(others.flatMap(({ running }) => running));
    }
    if (isHeld && !this.leads && !this.isClosed) {
      await this.leader.gained();
      this.leads = lease.held();
    }
    this.hasComplained = this.hasFailed;
    if (!this.isClosed) this.leader.looked();
  }

  private async attempt<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.complain(error);
      return otherwise;
    }
  }

  private complain(error: unknown): void {
    if (!this.hasComplained) this.settings.logger.error({ err: error }, 'the lease of the sources failed');
    this.hasFailed = this.hasComplained = true;
  }
}
