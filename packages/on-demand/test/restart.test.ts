import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker, fileState } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { createConnectionTracker } from '@stream-sessions/heartbeats';
import { createSources, customDriver } from '../src/index.js';
import { turn } from './support/studio.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const folder = mkdtempSync(path.join(tmpdir(), 'restart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a page that continues its visit after a crash wakes the source again', async () => {
  const clock = fakeClock();
  const started: string[] = [];
  const begin = async (file: string) => {
    const tracker = createTracker({ clock, logger: silent, state: fileState(path.join(folder, file)) });
    await tracker.ready;
    const driver = customDriver({
      start: ({ stream }) => void started.push(`${file} ${stream}`),
      stop: () => undefined,
    });
    const sources = createSources(tracker, { sources: [{ pattern: 'cam{n}', driver }], clock, logger: silent });
    const connections = createConnectionTracker(tracker, { clock });
    const beat = () => connections.addConnection({ sessionId: 'cam1', clientIp: '203.0.113.7', sid: 'a page' });
    return { tracker, sources, connections, beat };
  };
  const first = await begin('one');
  await first.beat();
  await first.tracker.saved();
  copyFileSync(path.join(folder, 'one'), path.join(folder, 'two')); // what kill -9 leaves
  const [before] = first.tracker.list({ stream: 'cam1' });
  clock.advance(40_000);

  const second = await begin('two');
  expect(second.sources.state('cam1')).toBe('hibernated');
  await second.beat();
  await turn();
  expect(second.tracker.list({ stream: 'cam1' })).toMatchObject([{ id: before?.id, openedAt: before?.openedAt }]);
  expect(started).toEqual(['one cam1', 'two cam1']);
  expect(second.sources.state('cam1')).toBe('running');
  for (const { connections, sources, tracker } of [first, second]) {
    connections.stop();
    await sources.close();
    await tracker.stop();
  }
});
