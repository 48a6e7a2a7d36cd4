import { createTracker, type PlaySession } from '@stream-sessions/core';
import { clusterPort } from '@stream-sessions/core/spi';
import { fakeClock } from '@stream-sessions/core/testing';
import { ClusterTime } from '../src/directory/cluster-time.js';
import { hit } from './support/nodes.js';

const HOUR = 3_600_000;

/** A session that has lasted ten seconds, on a machine whose clock is this far behind the cluster’s. */
function sessionOn(offsetMs: number) {
  const clock = fakeClock();
  const tracker = createTracker({ clock, fingerprintKey: 'of the test' });
  const { id } = tracker.trackHttp(hit()) as PlaySession;
  const openedAt = clock.now() + offsetMs;
  clusterPort(tracker).rename(id, { id, openedAt });
  clock.advance(10_000);
  tracker.trackHttp(hit());
  const row = (): PlaySession => tracker.get(id) as PlaySession;
  return { clock, tracker, row, openedAt, time: new ClusterTime(clock, () => offsetMs) };
}

it.each([HOUR, -HOUR])(
  'sessions have the times of the cluster if the local clock is off by %d ms',
  async (offsetMs) => {
    const { clock, tracker, row, openedAt, time } = sessionOn(offsetMs);
    expect(time.row(row())).toMatchObject({ openedAt, updatedAt: openedAt + 10_000, durationMs: 10_000 });
    expect(time.part(clusterPort(tracker).part(row().id)!)).toMatchObject({ openedAt, updatedAt: openedAt + 10_000 });
    clock.advance(2_000);
    expect(time.row(row()).durationMs).toBe(12_000);
    tracker.kick(row().id);
    const closed = time.row(row());
    expect(closed).toMatchObject({ closedAt: openedAt + 12_000, updatedAt: openedAt + 10_000, durationMs: 10_000 });
    expect(time.ownRow(closed)).toMatchObject({ closedAt: row().closedAt, updatedAt: row().updatedAt });
    await tracker.stop();
  },
);

it('sessions keep their times if the clocks differ by less than a second', async () => {
  const { tracker, row, time } = sessionOn(900);
  const own = row();
  expect(time.row(own)).toBe(own);
  await tracker.stop();
});
