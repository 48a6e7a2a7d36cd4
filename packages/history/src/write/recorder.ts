import type { Clock, PlaySession, SessionDirectory } from '@stream-sessions/core';
import type { Privacy } from '../privacy/privacy.js';
import type { Journal, Weight } from './journal.js';
import { denialRow, visitRow } from './rows.js';

/** Hears what happens in a directory, and writes it into the journal. */
export class Recorder {
  /** When progress of a live visit was written last. */
  private readonly lastAt = new Map<string, number>();
  private readonly offs: (() => void)[];

  constructor(
    directory: SessionDirectory,
    private readonly journal: Journal,
    private readonly privacy: Privacy,
    private readonly progressMs: number,
    private readonly clock: Clock,
    private readonly added: () => void,
  ) {
    directory.on('attached', ({ sessions }) => {
      for (const session of sessions) this.opened(session);
    });
    this.offs = [
      directory.on('opened', ({ session }) => this.opened(session)),
      directory.on('resumed', ({ session }) => this.opened(session)),
      directory.on('updated', ({ session }) => this.updated(session)),
      directory.on('closed', ({ session }) => this.closed(session)),
      directory.on('denied', (event) => {
        if (this.journal.add({ denial: denialRow(event, this.privacy) }, 'denial')) this.added();
      }),
    ];
  }

  stop(): void {
    for (const off of this.offs) off();
  }

  private opened(session: PlaySession): void {
    this.lastAt.set(keyOf(session), this.clock.now());
    this.add(session, 'opened');
  }

  private updated(session: PlaySession): void {
    const key = keyOf(session);
    const now = this.clock.now();
    if (now - (this.lastAt.get(key) ?? 0) < this.progressMs) return;
    this.lastAt.set(key, now);
    this.add(session, 'progress');
  }

  private closed(session: PlaySession): void {
    this.lastAt.delete(keyOf(session));
    this.add(session, 'closed');
  }

  private add(session: PlaySession, weight: Weight): void {
    if (session.kind === 'unspecified') return;
    if (this.journal.add({ visit: visitRow(session, this.privacy) }, weight)) this.added();
  }
}

const keyOf = ({ id, openedAt }: PlaySession): string => `${id}@${openedAt}`;
