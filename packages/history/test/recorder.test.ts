import { createTracker } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { until } from '../../../test/support/until.js';
import { Privacy } from '../src/privacy/privacy.js';
import type { JournalRecord } from '../src/types/visit-row.js';
import type { Weight } from '../src/write/journal.js';
import { Recorder } from '../src/write/recorder.js';

const VIEWERS = 1_200;
const MINUTE = 60_000;

function stage() {
  const clock = fakeClock();
  const tracker = createTracker({ clock, idleTimeoutMs: 10 * MINUTE, maxSessionsPerIp: VIEWERS });
  const told: [string | undefined, Weight][] = [];
  const journal = {
    add({ visit }: Partial<Extract<JournalRecord, { visit: unknown }>>, weight: Weight): boolean {
      told.push([visit?.id, weight]);
      return true;
    },
  };
  const privacy = new Privacy('full', '');
  const parts = { directory: tracker, journal, privacy, progressMs: MINUTE, clock, added: () => undefined };
  const record = (): Recorder => new Recorder(parts as ConstructorParameters<typeof Recorder>[0]);
  const watch = (n: number): string | undefined =>
    tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: `t${n}` })?.id;
  for (let n = 0; n < VIEWERS; n++) watch(n);
  return { clock, tracker, told, record, watch };
}

/** Lets the time pass, and whoever waits for it do what they do. */
async function pass(clock: ReturnType<typeof fakeClock>, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 1_000) {
    clock.advance(1_000);
    await new Promise(setImmediate);
  }
}

it('the recorder begins with all live sessions, page by page, each once', async () => {
  const { clock, tracker, told, record } = stage();
  const recorder = record();
  await until('all are written', () => {
    clock.advance(1);
    return told.length === VIEWERS;
  });
  await recorder.begun;
  expect(told).toEqual(tracker.list({ limit: VIEWERS }).map(({ id }) => [id, 'opened']));
  recorder.stop();
  await tracker.stop();
});

it('the recorder writes the progress of active sessions once a minute, and of no others', async () => {
  const { clock, tracker, told, record, watch } = stage();
  clock.advance(1);
  const recorder = record();
  await pass(clock, MINUTE / 2);
  told.length = 0;
  await pass(clock, 2 * MINUTE);
  expect(told).toEqual([]);
  const both = [watch(3), watch(VIEWERS - 1)];
  await pass(clock, MINUTE);
  expect(told.sort()).toEqual(both.sort().map((id) => [id, 'progress']));
  await pass(clock, 3 * MINUTE);
  // who was heard of while a walk went on may come in the next as well
  expect(told.length).toBeLessThanOrEqual(4);
  told.length = 0;
  tracker.kick(both[0] ?? '');
  expect(told).toEqual([[both[0], 'closed']]);
  recorder.stop();
  await pass(clock, 2 * MINUTE);
  watch(5);
  await pass(clock, 2 * MINUTE);
  expect(told).toHaveLength(1);
  await tracker.stop();
});

it('the recorder writes tags within a minute, even for sessions without activity', async () => {
  const { clock, tracker, told, record } = stage();
  clock.advance(1);
  const recorder = record();
  await pass(clock, 2 * MINUTE);
  told.length = 0;
  const [{ id } = { id: '' }] = tracker.list({ limit: 1 });
  tracker.tag(id, { room: 'lobby' });
  await pass(clock, 1.5 * MINUTE);
  tracker.tag(id, { room: 'stage' });
  await pass(clock, 1.5 * MINUTE);
  await pass(clock, 2 * MINUTE);
  expect(told).toEqual([
    [id, 'progress'],
    [id, 'progress'],
  ]);
  recorder.stop();
  await tracker.stop();
});
