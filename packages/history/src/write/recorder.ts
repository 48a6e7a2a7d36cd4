import { type Clock, cursorOf, type PlaySession, type SessionDirectory } from '@stream-sessions/core';
import type { Privacy } from '../privacy/privacy.js';
import type { Journal, Weight } from './journal.js';
import { denialRow, visitRow } from './rows.js';

/** The number of rows read before the event loop gets its turn. */
const PAGE = 500;

/** The parts that a recorder works with. */
export interface RecorderParts {
  readonly directory: SessionDirectory;
  readonly journal: Pick<Journal, 'add'>;
  readonly privacy: Privacy;
  readonly progressMs: number;
  readonly clock: Clock;
  /** Called when something new is in the journal. */
  readonly added: () => void;
}

/**
 * Writes into the journal what happens in a directory: openings and closings from events, and progress by walking through the
 * list once per `progressMs`. Events for progress would cost every hit a mark, and a copy of the row for each that is not
 * written.
 */
export class Recorder {
  /** Resolves when all sessions that were live at the beginning are in the journal. */
  readonly begun: Promise<unknown>;
  private readonly offs: (() => void)[];
  private isOver = false;
  private timer: unknown = undefined;
  private wake: () => void = () => undefined;
  /** What the last walk saw of the fields that change without an event: the name and tags that somebody assigns. */
  private labels: ReadonlyMap<string, string> = new Map();

  constructor(private readonly parts: RecorderParts) {
    const { directory, privacy } = parts;
    this.offs = [
      directory.on('opened', ({ session }) => this.add(session, 'opened')),
      directory.on('resumed', ({ session }) => this.add(session, 'opened')),
      directory.on('closed', ({ session }) => this.add(session, 'closed')),
      directory.on('denied', (event) => {
        if (parts.journal.add({ denial: denialRow(event, privacy) }, 'denial')) parts.added();
      }),
    ];
    this.begun = this.keepWalking();
  }

  stop(): void {
    this.isOver = true;
    this.parts.clock.clearTimeout(this.timer);
    this.wake();
    for (const off of this.offs) off();
  }

  /** Resolves after the first walk. */
  private async keepWalking(): Promise<void> {
    const since = this.parts.clock.now();
    const pages = await this.walk(-Infinity, 'opened', 0);
    void this.walkAgain(since, pages);
  }

  private async walkAgain(since: number, pages: number): Promise<void> {
    const { clock, progressMs } = this.parts;
    while (!this.isOver) {
      await this.pause(Math.max(0, since + progressMs - clock.now()));
      const began = clock.now();
      // spread over half of the time, since there may be more sessions than before
      pages = await this.walk(since, 'progress', progressMs / (2 * pages));
      since = began;
    }
  }

  /** Visits the sessions with activity since then, or with a new name or tags. Returns the number of pages, at least 1. */
  private async walk(since: number, weight: Weight, pauseMs: number): Promise<number> {
    let after: string | undefined;
    const labels = new Map<string, string>();
    for (let pages = 1; ; pages++) {
      const page = await this.page(after);
      if (this.isOver || page === undefined) return pages;
      for (const session of page) {
        const label = labelOf(session);
        if (session.updatedAt >= since || label !== this.labels.get(session.id)) this.add(session, weight);
        labels.set(session.id, label);
      }
      const last = page.length < PAGE ? undefined : page.at(-1);
      if (last === undefined) {
        this.labels = labels;
        return pages;
      }
      after = cursorOf(last);
      await this.pause(pauseMs);
    }
  }

  private pause(ms: number): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
      this.timer = this.parts.clock.setTimeout(resolve, ms);
    });
  }

  /** Undefined if the directory cannot answer now: the next walk follows. */
  private async page(after: string | undefined): Promise<readonly PlaySession[] | undefined> {
    const filter = { status: 'active', limit: PAGE } as const;
    try {
      return await this.parts.directory.list(after === undefined ? filter : { ...filter, after });
    } catch {
      return undefined;
    }
  }

  private add(session: PlaySession, weight: Weight): void {
    const { journal, privacy, added } = this.parts;
    if (session.kind === 'unspecified') return;
    if (journal.add({ visit: visitRow(session, privacy) }, weight)) added();
  }
}

function labelOf({ userName, tags }: PlaySession): string {
  const text = JSON.stringify(tags);
  // nearly always, and needs no memory of its own
  return text === '{}' ? userName : `${userName} ${text}`;
}
