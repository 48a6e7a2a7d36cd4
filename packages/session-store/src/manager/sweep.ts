import { StreamSessionsError } from '@stream-sessions/core';
import { stateOf } from '../session/session.js';
import { isSame, type SessionRecord } from '../record/record.js';
import type { HeldSessions } from './held-sessions.js';
import type { ManagerSettings } from './options.js';

/** The number of sessions checked at a time. */
const BATCH = 100;

/** What another program has done to a single session, and says nothing about the others. */
const DAMAGE: readonly string[] = ['ERR_STORE_CORRUPT', 'ERR_STORE_WRONG_TYPE'];

type Read = (id: string) => Promise<{ record: SessionRecord } | undefined>;

/** Periodic clean-up: of what has expired in the storage, and of what is open here for sessions that are gone. */
export class Sweep {
  private timer: unknown;
  private running: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(
    private readonly settings: ManagerSettings,
    private readonly held: HeldSessions,
    private readonly read: Read,
  ) {
    this.wait();
  }

  /** Resolves when a sweep in progress has ended. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.settings.clock.clearTimeout(this.timer);
    await this.running;
  }

  private wait(): void {
    if (this.isStopped) return;
    this.timer = this.settings.clock.setTimeout(() => {
      this.running = this.run();
    }, this.settings.sweepIntervalMs);
  }

  private async run(): Promise<void> {
    try {
      await this.closeGone();
      await this.settings.storage.deleteExpired();
    } catch (error) {
      // a storage that is unreachable is swept next time
      if (!this.isStopped) this.settings.warn({ err: error }, 'Expired sessions could not be tidied up');
    }
    this.wait();
  }

  private async closeGone(): Promise<void> {
    const { ids } = this.held;
    for (let at = 0; at < ids.length && !this.isStopped; at += BATCH) {
      await Promise.all(ids.slice(at, at + BATCH).map((id) => this.closeIfGone(id)));
    }
  }

  private async closeIfGone(id: string): Promise<void> {
    const session = this.held.get(id);
    const base = session && stateOf(session).record;
    if (session === undefined || base === undefined) return;
    try {
      const found = await this.read(id);
      if (found === undefined || !isSame(base, found.record)) this.held.close(id, session);
    } catch (error) {
      if (!(error instanceof StreamSessionsError && DAMAGE.includes(error.code))) throw error;
      this.settings.warn({ err: error }, 'A session is damaged, and was left as it is');
    }
  }
}
