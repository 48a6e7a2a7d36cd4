import type { SourceLease, SourceShare } from '../lease/lease.js';
import type { SourcesSettings } from '../options.js';

/** What is watched is told to the others so soon, and not again before. */
const SOON_MS = 50;

/** What the one that leads, or follows, is told, and asked. */
export interface Leader {
  /** What others should know. */
  share(): SourceShare;
  /** It is to decide from now on, when this has resolved. */
  gained(): Promise<void>;
  /** Another one may decide now. */
  lost(): void;
  /** It has been looked who decides, and what the others tell. */
  looked(): void;
}

/** Whether this process decides about the sources, and what it knows of those that share them. */
export class Leadership {
  /** The streams that are watched in other processes, and the sources that run as the one that decides says. */
  watched: ReadonlySet<string> = new Set();
  running: ReadonlySet<string> = new Set();
  private leads: boolean;
  private looking: Promise<void> | undefined = undefined;
  private timer: unknown = undefined;
  private isClosed = false;
  /** Something has failed in this look; it was said, and is not said again before a look that does not. */
  private hasFailed = false;
  private hasComplained = false;

  constructor(
    private readonly lease: SourceLease | undefined,
    private readonly leader: Leader,
    private readonly settings: Pick<SourcesSettings, 'clock' | 'logger'>,
  ) {
    this.leads = lease === undefined;
  }

  /** Without a lease nobody else does. */
  get decides(): boolean {
    return this.leads && this.lease?.held() !== false;
  }

  /** Looks who decides now. */
  look(): void {
    if (this.lease === undefined) return this.leader.looked();
    if (this.isClosed) return;
    this.looking ??= this.lookAt(this.lease).finally(() => (this.looking = undefined));
  }

  /** Something is watched, or runs, of which the others do not know yet. */
  soon(): void {
    if (this.lease === undefined || this.isClosed) return;
    this.timer ??= this.settings.clock.setTimeout(() => {
      this.timer = undefined;
      this.look();
    }, SOON_MS);
  }

  /** Nothing of it runs any more: another one may decide. */
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
    if (!this.hasComplained) this.settings.logger.error({ err: error }, 'the lease of the sources fails');
    this.hasFailed = this.hasComplained = true;
  }
}
