import { LeftRecords } from '../state/left-records.js';
import { restore } from '../state/restore.js';
import { StateWriter } from '../state/state-writer.js';
import type { Session } from '../session/session.js';
import { StreamSessionsError } from '../support/errors.js';
import type { StateRecords, StateStore } from '../types/state.js';
import type { Parts } from './assemble.js';

/** The number of lost visits closed before the event loop gets its turn. */
const AT_ONCE = 256;

/** Each has a tracker that has not stopped: two would overwrite each other's changes, and close it for each other. */
const taken = new WeakSet<StateStore>();

/** Lets a tracker outlive its process: reads what an earlier one left, and writes what changes. */
export class Persistence {
  /** Resolves when everything has been read, or cannot be. */
  readonly ready: Promise<void>;
  isLoading = true;
  private readonly writer: StateWriter;
  private deadline: unknown = undefined;
  private told: string | undefined = undefined;
  private left = new LeftRecords();

  /** @throws StreamSessionsError ERR_STATE_IN_USE */
  constructor(
    private readonly store: StateStore,
    private readonly parts: Parts,
  ) {
    if (taken.has(store)) {
      const message =
        'This state store has a tracker already: give each tracker a store of its own, such as fileState(path).';
      throw new StreamSessionsError('ERR_STATE_IN_USE', message);
    }
    taken.add(store);
    const { registry, denials, clock, settings } = parts;
    this.writer = new StateWriter({ ...parts, store, onSaved: () => this.warn() });
    registry.journal = denials.operator.journal = this.writer;
    this.deadline = clock.setTimeout(() => void this.loseAll(), settings.resumeWithinMs);
    this.ready = this.load();
  }

  /** Resolves when everything that has changed so far is in the store, or the store has failed to take it. */
  async saved(): Promise<void> {
    await this.ready;
    await this.writer.saved();
  }

  /** The records that a package stores beside the tracker's own. */
  records(owner: string): StateRecords {
    return {
      take: async () => {
        await this.ready;
        return this.left.take(owner);
      },
      set: (id, value) => this.writer.record(owner, id, value),
      hash: (secret) => this.parts.settings.hash.once(secret),
    };
  }

  /** `keep`: viewers who have not come back may still do so in the next process. */
  async stop(keep: boolean): Promise<void> {
    await this.ready;
    if (this.deadline !== undefined) this.parts.clock.clearTimeout(this.deadline);
    if (!keep) await this.loseAll();
    await this.writer.close();
    taken.delete(this.store);
  }

  private async load(): Promise<void> {
    const { registry, resolver, denials, logger } = this.parts;
    try {
      const { liveStreams } = registry;
      const { waiting, records } = await restore(this.store, { ...this.parts, liveStreams });
      resolver.waiting = waiting;
      this.left = records;
      this.writer.start();
    } catch (error) {
      logger.error({ err: error }, 'the state store cannot be read: nothing outlives this process');
      registry.journal = denials.operator.journal = undefined;
      this.writer.giveUp();
    }
    this.warn();
    this.isLoading = false;
  }

  /** Viewers who have not come back by now will not. */
  private async loseAll(): Promise<void> {
    this.deadline = undefined;
    await this.ready;
    const { resolver, lifecycle, hub } = this.parts;
    const { waiting } = resolver;
    for (const [owner, id] of this.left.rest()) this.writer.record(owner, id, undefined);
    this.left.clear();
    let count = 0;
    for (const session of waiting?.mentioning() ?? NOBODY) {
      lifecycle.endWaiting(session, 'lost');
      if (++count % AT_ONCE > 0) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      await hub.room();
    }
    if (resolver.waiting === waiting) resolver.waiting = undefined;
  }

  private warn(): void {
    const { warning } = this.store;
    if (warning === undefined || warning === this.told) return;
    this.told = warning;
    this.parts.logger.warn({}, warning);
  }
}

const NOBODY: Iterable<Session> = [];
