import type { Denials } from '../denials/denials.js';
import type { LiveStreams } from '../registry/live-streams.js';
import type { StreamEntry } from '../registry/stream-entry.js';
import { WaitingVisits } from '../registry/waiting-visits.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { DenialRecord } from '../types/denial.js';
import type { StateChange, StateStore } from '../types/state.js';
import { CLOCK_KEY, readKey } from './keys.js';
import { LeftRecords } from './left-records.js';
import { readClockRecord, setSince, type ClockRecord } from '../support/passed-time.js';
import { SessionReader } from './session-reader.js';
import { readProgress, readSession, type StoredSession } from './stored-session.js';

/** The number of records read before the event loop gets its turn. */
const AT_ONCE = 64;

/** The parts that restoring works with. */
export interface RestoreParts {
  readonly settings: Settings;
  readonly sharedFields: SharedFieldsPool;
  readonly liveStreams: LiveStreams;
  readonly denials: Denials;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an earlier process left. */
export interface Restored {
  readonly waiting: WaitingVisits<StoredSession>;
  readonly records: LeftRecords;
}

/**
 * Reads what an earlier process left: its denials apply again, its visits wait to be continued, and its records to be taken.
 * Unreadable entries are counted in the log and left in the store.
 *
 * @throws what the store throws
 */
export async function restore(store: StateStore, parts: RestoreParts): Promise<Restored> {
  const { settings, denials, liveStreams, clock, logger } = parts;
  const streamOf = (code: string): StreamEntry => liveStreams.entryFor(code);
  const reader = new SessionReader({ ...parts, hash: settings.hash, streamOf });
  const waiting = new WaitingVisits(settings.hash, reader);
  const records = new LeftRecords();
  const streams = new Set<string>();
  const denialRecords: DenialRecord[] = [];
  let writtenAt: ClockRecord | undefined;
  let unreadable = 0;
  let cause: unknown;
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      unreadable++;
      cause ??= error;
    }
  };
  const read = ([key, value]: StateChange): void => {
    const { what, id } = readKey(key);
    if (key === CLOCK_KEY) writtenAt = readClockRecord(value);
    if (what === 'record') records.add(id, value);
    if (what === 'denial') denialRecords.push(value as DenialRecord);
    if (what === 'session') {
      const session = readSession(value);
      waiting.add(session);
      streams.add(session.stream);
    }
    if (what === 'progress') waiting.setProgress(id, readProgress(value));
  };

  const inSlices = async <T>(items: readonly T[], use: (item: T) => void): Promise<void> => {
    for (let from = 0; from < items.length; from += AT_ONCE) {
      for (const item of items.slice(from, from + AT_ONCE)) attempt(() => use(item));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };

  for await (const changes of store.load()) await inSlices(changes, read);
  const shiftMs = writtenAt === undefined ? 0 : setSince(writtenAt, clock);
  await inSlices(denialRecords, (record) => denials.restore(shifted(record, shiftMs)));
  for (const code of streams) liveStreams.served.add(code);
  if (unreadable > 0) {
    logger.error({ err: cause, records: unreadable }, 'the state store has records that this tracker cannot read');
  }
  return { waiting, records };
}

function shifted(record: DenialRecord, ms: number): DenialRecord {
  return ms === 0 ? record : { ...record, since: record.since + ms, until: record.until + ms };
}
