import type { Denials } from '../denials/denials.js';
import type { LiveStreams } from '../registry/live-streams.js';
import { WaitingVisits } from '../registry/waiting-visits.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { DenialRecord } from '../types/denial.js';
import type { StateStore } from '../types/state.js';
import { CLOCK_KEY, progressKey, readKey } from './keys.js';
import { readClockRecord, setSince } from './passed-time.js';
import { fromRecord } from './session-record.js';

/** So many visits are made before the event loop gets its turn. */
const AT_ONCE = 256;

/** What restoring takes. */
export interface RestoreParts {
  readonly settings: Settings;
  readonly sharedFields: SharedFieldsPool;
  readonly liveStreams: LiveStreams;
  readonly denials: Denials;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Reads what an earlier process has left: its denials hold again, and its visits wait to go on. What cannot be read is
 * counted in the log, and left in the store.
 *
 * @throws what the store throws
 */
export async function restore(store: StateStore, parts: RestoreParts): Promise<WaitingVisits> {
  const { settings, denials, liveStreams, clock, logger } = parts;
  const records = new Map<string, unknown>();
  for await (const changes of store.load()) {
    for (const [key, value] of changes) {
      if (value === undefined) records.delete(key);
      else records.set(key, value);
    }
  }
  const writtenAt = readClockRecord(records.get(CLOCK_KEY));
  const shiftMs = writtenAt === undefined ? 0 : setSince(writtenAt, clock);
  const waiting = new WaitingVisits(settings.hash);
  const { hash } = settings;
  let unreadable = 0;
  let cause: unknown;
  let made = 0;
  for (const [key, value] of records) {
    const { what, id } = readKey(key);
    try {
      if (what === 'denial') denials.restore(shifted(value as DenialRecord, shiftMs));
      if (what !== 'session') continue;
      const [session, foundBy] = fromRecord(value, records.get(progressKey(id)), { ...parts, hash });
      waiting.add(session, foundBy);
      if (session.bytes > 0) for (const stream of session.streams) liveStreams.served.add(stream);
    } catch (error) {
      unreadable++;
      cause ??= error;
    }
    if (++made % AT_ONCE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  if (unreadable > 0) {
    logger.error({ err: cause, records: unreadable }, 'the state store has records that this tracker cannot read');
  }
  return waiting;
}

function shifted(record: DenialRecord, ms: number): DenialRecord {
  return ms === 0 ? record : { ...record, since: record.since + ms, until: record.until + ms };
}
