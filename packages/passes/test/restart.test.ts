import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTracker, fileState } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { memoryPassStore, passBook, passPolicy, PASS_TYPES } from '../src/index.js';
import { segment } from './support/theatre.js';

const folder = mkdtempSync(join(tmpdir(), 'passes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a visit that continues in the next process is billed once', async () => {
  const clock = fakeClock();
  const store = memoryPassStore();
  const state = join(folder, 'sessions.state');
  let id = '';
  for (const seconds of [20, 10]) {
    const book = passBook({ clock, store });
    const tracker = createTracker({ clock, policies: [passPolicy(book)], state: fileState(state) });
    await tracker.ready;
    if (id === '') id = (await book.create('ann', { type: PASS_TYPES.time_or_data, timeSecs: 600, dataMb: 600 })).id;
    for (let second = 0; second <= seconds; second += 2) {
      expect(segment(tracker, 1_000_000)).toBe(200);
      if (second < seconds) clock.advance(2_000);
    }
    expect(tracker.list({})).toHaveLength(1);
    expect(tracker.stats().resumedTotal).toBe(seconds === 20 ? 0 : 1);
    await tracker.stop({ keep: true });
    await book.close();
    clock.advance(5_000);
  }
  expect(await store.get(id)).toMatchObject({ timeCons: 35, dataCons: 17 });
});
