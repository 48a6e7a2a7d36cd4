import { readFileSync } from 'node:fs';
import { createTracker } from '@stream-sessions/core';
import { fakeClock, heldBytes } from '@stream-sessions/core/testing';
import { createWebhooks } from '../src/index.js';
import { journalFile, silent } from './support/stage.js';

it('a viewer costs less than 300 bytes each until it ends, and in the next process too', async () => {
  const VIEWERS = 4_000;
  const clock = fakeClock();
  const tracker = createTracker({ autoStart: false, logger: silent, clock });
  for (let n = 0; n < VIEWERS; n++)
    tracker.openConn({ stream: `cam${n % 100}`, protocol: 'srt', remoteAddress: `10.0.0.1:${n + 1}` });
  const endpoints = [{ url: 'http://127.0.0.1:9/' }];
  const options = { endpoints, journal: journalFile(), allowPrivateNetworks: true, clock, logger: silent };
  for (let process = 1; process <= 2; process++) {
    const before = heldBytes();
    const webhooks = await createWebhooks(tracker, options);
    const bytes = (heldBytes() - before) / VIEWERS;
    expect(bytes).toBeLessThan(300);
    await webhooks.stop();
  }
  expect(readFileSync(options.journal, 'utf8').trimEnd().split('\n')).toHaveLength(VIEWERS);
  await tracker.stop({ timeoutMs: 0 });
});
