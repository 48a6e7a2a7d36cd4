import { readFileSync, writeFileSync } from 'node:fs';
import { createTracker } from '@stream-sessions/core';
import { createWebhooks, type WebhookEndpoint } from '../src/index.js';
import { cleanUp, journalFile, silent, stage } from './support/stage.js';

afterEach(cleanUp);

it.each<[string, string, Partial<WebhookEndpoint>]>([
  ['events', 'session.closd', { events: ['session.opened', 'session.closd'] }],
  ['events', 'closed', { events: ['closed'] }],
  ['events', 'session.updated', { events: ['session.updated'] }],
  ['events', 'webhook.test', { events: ['webhook.test'] }],
  ['events', '[]', { events: [] }],
  ['streams', '[]', { streams: [] }],
  ['streams', '[""]', { streams: [''] }],
  ['reasons', '[]', { when: { reasons: [] } }],
  ['reasons', '[""]', { when: { reasons: [''] } }],
  ['reasons', '"kicked"', { when: { reasons: 'kicked' as never } }],
])('an endpoint that would hear of nothing is refused, and %s with %s named', async (name, wrong, more) => {
  const tracker = createTracker({ logger: silent });
  const options = { endpoints: [{ url: 'https://example.com/', ...more }], journal: journalFile() };
  await expect(createWebhooks(tracker, options)).rejects.toMatchObject({
    code: 'ERR_BAD_OPTION',
    message: expect.stringMatching(new RegExp(`^${name} must be .*${wrong.replace(/[[\].]/g, '\\$&')}`)),
  });
  await tracker.stop();
});

it('an error about secrets shows none of them', async () => {
  const tracker = createTracker({ logger: silent });
  const endpoints = [{ url: 'https://example.com/', secrets: ['whsec_hunter2', undefined as never] }];
  await expect(createWebhooks(tracker, { endpoints, journal: journalFile() })).rejects.toMatchObject({
    code: 'ERR_BAD_OPTION',
    message: 'secrets must be a list of texts, not a list.',
  });
  await tracker.stop();
});

it('an endpoint may have thresholds alone, and every type of events but that of the feed', async () => {
  const url = 'https://example.com/';
  const { webhooks } = await stage([
    { url, name: 'a', events: [], when: { viewersAbove: 10 } },
    { url, name: 'b', events: ['session.attached', 'session.resumed', 'source.failed', 'stream.publisher_lost'] },
  ]);
  expect(webhooks.endpoints()).toHaveLength(2);
});

it.each<[string, object]>([
  ['clock', { clock: {} }],
  ['logger', { logger: console.log }],
  ['maxJournalBytes', { maxJournalBytes: '300000000' }],
  ['retryScheduleMs', { retryScheduleMs: [1_000, Infinity] }],
  ['publisherLost', { endpoints: [{ url: 'https://example.com/', when: { publisherLost: 'yes' } }] }],
])('a %s of another kind is refused', async (name, wrong) => {
  const tracker = createTracker({ logger: silent });
  const options = { endpoints: [{ url: 'https://example.com/' }], journal: journalFile(), ...wrong };
  await expect(createWebhooks(tracker, options)).rejects.toMatchObject({
    code: 'ERR_BAD_OPTION',
    message: expect.stringMatching(new RegExp(`^${name} must be `)),
  });
  await tracker.stop();
});

it.each(['{ "port": 8080 }', 'a\n'.repeat(1_000)])(
  'a journal that is another file is refused and left alone',
  async (text) => {
    const journal = journalFile();
    writeFileSync(journal, text);
    const tracker = createTracker({ logger: silent });
    for (let time = 1; time <= 2; time++) {
      await expect(createWebhooks(tracker, { endpoints: [], journal, logger: silent })).rejects.toMatchObject({
        code: 'ERR_BAD_OPTION',
        message: expect.stringContaining(
          `journal must be a file that webhooks have written, or a new one, not "${journal}"`,
        ),
      });
    }
    expect(readFileSync(journal, 'utf8')).toBe(text);
    await tracker.stop();
  },
);
