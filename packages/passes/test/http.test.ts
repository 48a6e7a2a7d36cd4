import express from 'express';
import request from 'supertest';
import { createTracker } from '@stream-sessions/core';
import { until } from '@stream-sessions/core/testing';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { passBook, passPolicy, PASS_TYPES } from '../src/index.js';

it('over HTTP, a viewer is told what remains, and is admitted again after a top-up', async () => {
  const book = passBook();
  const tracker = createTracker({ policies: [passPolicy(book)] });
  const app = express().use('/live', trackPlayback(tracker), (_req, res) => res.type('ts').send(Buffer.alloc(1_000)));
  const fetchIt = (token = 'ann') =>
    request(app).get(`/live/cam1/1.ts?token=${token}`).set('Accept', 'application/json');

  const stranger = await fetchIt('bob');
  expect([stranger.status, stranger.body]).toMatchObject([429, { reason: 'no_pass' }]);
  const { id } = await book.create('ann', { type: PASS_TYPES.data, dataMb: 0.0015 });
  expect((await fetchIt()).status).toBe(200);
  expect((await fetchIt()).status).toBe(200);
  await until('it is looked at', () => tracker.count({ status: 'active' }) === 0);
  const refused = await fetchIt();
  expect([refused.status, refused.body]).toMatchObject([
    429,
    { reason: 'quota_data', detail: 'The data that was paid for is used up.', remaining: { bytes: 0 } },
  ]);
  await book.topUp(id, { dataMb: 1 });
  expect((await fetchIt()).status).toBe(200);
  expect((await request(app).get('/live/cam1/1.ts').set('User-Agent', 'another/1')).status).toBe(401);
  expect(await book.get(id)).toMatchObject({ dataCons: 0.003 });
  await tracker.stop();
  await book.close();
});
