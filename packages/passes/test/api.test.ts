import express from 'express';
import { createServer } from 'node:http';
import request from 'supertest';
import { passBook, passesApi, type PassBook } from '../src/index.js';

let book: PassBook;
beforeEach(() => {
  book = passBook();
});
afterEach(() => book.close());

function api(path = '/api') {
  const app = express();
  const authorize = ({ headers }: express.Request, action: string): boolean => {
    if (headers['x-role'] === undefined) throw Object.assign(new Error('who?'), { status: 401 });
    return headers['x-role'] === 'admin' || action === 'read';
  };
  app.use(path, passesApi(book, { authorize }));
  return request(app);
}

const buy = (body: object, key?: string) => {
  const post = api().post('/api/passes').set('X-Role', 'admin');
  return (key === undefined ? post : post.set('Idempotency-Key', key)).send(body);
};

describe('the REST API of passes', () => {
  it('creates, shows, lists, tops up and ends', async () => {
    const { status, body } = await buy({
      owner: 'ann',
      type: 2,
      time_secs: 3_600,
      data_mb: 0.5,
      exp_days: 30,
      down_mbits: 4,
    });
    expect([status, body]).toMatchObject([
      201,
      {
        owner: 'ann',
        type: 2,
        time_secs: 3_600,
        data_mb: 0.5,
        time_cons: 0,
        data_cons: 0,
        started_at: null,
        exp_days: 30,
      },
    ]);
    const { id } = body as { id: string };
    const admin = (method: 'get' | 'post' | 'delete', path: string) =>
      api()[method](`/api${path}`).set('X-Role', 'admin');
    expect((await admin('get', `/passes/${id}`)).body).toEqual(body);
    expect((await admin('get', '/passes?owner=ann')).body).toEqual({ passes: [body] });
    expect((await admin('get', '/passes?owner=bob')).body).toEqual({ passes: [] });
    const topped = await admin('post', `/passes/${id}/top-up`).send({ time_secs: 60 });
    expect([topped.status, topped.body]).toMatchObject([200, { time_secs: 3_660 }]);
    expect((await admin('delete', `/passes/${id}`)).body).toMatchObject({ ended_at: expect.any(String) as string });
    expect((await admin('delete', `/passes/${id}`)).status).toBe(200);
  });

  it.each([
    [{}, 'owner'],
    [{ owner: 'ann' }, 'type'],
    [{ owner: 7, type: 0 }, 'owner'],
    [{ owner: 'ann', type: 'time' }, 'type'],
    [{ owner: 'ann', type: 0, time_secs: -1 }, 'time_secs'],
    [{ owner: 'ann', type: 0, time_secs: 1.5 }, 'time_secs'],
    [{ owner: 'ann', type: 1, data_mb: '5' }, 'data_mb'],
    [{ owner: 'ann', type: 1, exp_days: 1e9 }, 'exp_days'],
    [{ owner: 'ann', type: 1, use_global_speed: 1 }, 'use_global_speed'],
    [{ owner: 'ann', type: 1, timeSecs: 1 }, 'timeSecs'],
    [{ owner: ['ann'], type: 1 }, 'owner'],
  ])('answers 400 and names the field: %j', async (terms, field) => {
    const { status, body } = await buy(terms);
    const { error } = body as { error: { code: string; message: string } };
    expect([status, error.code]).toEqual([400, 'INVALID_BODY']);
    expect(error.message).toContain(field);
    expect(await book.list('ann')).toEqual([]);
  });

  it('creates one pass for one Idempotency-Key, and answers 422 if it comes with something else', async () => {
    const terms = { owner: 'ann', type: 0, time_secs: 60 };
    const answers = await Promise.all([buy(terms, 'k1'), buy(terms, 'k1'), buy(terms, 'k1')]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(1);
    expect((await buy({ ...terms, time_secs: 61 }, 'k1')).status).toBe(422);
    expect((await buy({ ...terms, owner: 'bob' }, 'k1')).status).toBe(422);
    await buy(terms, 'k2');
    expect(await book.list('ann')).toHaveLength(2);
    expect((await buy(terms, 'x'.repeat(300))).status).toBe(400);
  });

  it('tops up once for one Idempotency-Key, and answers 422 if it comes with something else', async () => {
    const { body } = await buy({ owner: 'ann', type: 2, time_secs: 60, data_mb: 1, exp_days: 1 });
    const { id } = body as { id: string };
    const topUp = (more: object, key: string) =>
      api().post(`/api/passes/${id}/top-up`).set({ 'X-Role': 'admin', 'Idempotency-Key': key }).send(more);
    const answers = await Promise.all(['k1', 'k1', 'k1'].map((key) => topUp({ time_secs: 60 }, key)));
    for (const answer of answers) expect([answer.status, answer.body]).toMatchObject([200, { time_secs: 120 }]);
    for (const other of [{ time_secs: 61 }, { data_mb: 60 }, { time_secs: 60, exp_days: 1 }]) {
      const { status, body: refused } = await topUp(other, 'k1');
      expect([status, refused]).toMatchObject([422, { error: { code: 'IDEMPOTENCY_KEY_REUSED' } }]);
    }
    expect((await topUp({ time_secs: 60 }, 'x'.repeat(300))).status).toBe(400);
    expect((await topUp({ time_secs: 60, data_mb: 0 }, 'k1')).body).toMatchObject({ time_secs: 120 });
    expect((await topUp({ time_secs: 60 }, 'k2')).body).toMatchObject({ time_secs: 180, data_mb: 1, exp_days: 1 });
    // It is the key of a top-up of this pass: it buys another one, and tops that up.
    const another = (await buy({ owner: 'bob', type: 0, time_secs: 5 }, 'k1')).body as { id: string };
    await book.topUp(another.id, { timeSecs: 5 }, { key: 'k1' });
    expect(await book.get(another.id)).toMatchObject({ timeSecs: 10 });
  });

  it('adds nothing to a pass that was ended, and answers 409', async () => {
    const { body } = await buy({ owner: 'ann', type: 0, time_secs: 60 });
    const { id } = body as { id: string };
    await book.topUp(id, { timeSecs: 5 }, { key: 'k1' });
    await book.end(id);
    for (const key of [undefined, 'k2']) {
      const more = book.topUp(id, { timeSecs: 5 }, key === undefined ? {} : { key });
      await expect(more).rejects.toMatchObject({ code: 'ERR_PASS_ENDED' });
    }
    const answer = await api().post(`/api/passes/${id}/top-up`).set('X-Role', 'admin').send({ time_secs: 60 });
    expect([answer.status, answer.body]).toMatchObject([409, { error: { code: 'PASS_ENDED' } }]);
    // that was paid for before it ended
    expect(await book.topUp(id, { timeSecs: 5 }, { key: 'k1' })).toMatchObject({ timeSecs: 65 });
  });

  it('admits callers that `authorize` admits', async () => {
    expect((await api().get('/api/passes?owner=ann')).status).toBe(401);
    expect((await api().get('/api/passes?owner=ann').set('X-Role', 'clerk')).status).toBe(200);
    expect((await api().post('/api/passes').set('X-Role', 'clerk').send({})).status).toBe(403);
    expect(() => passesApi(book, {} as never)).toThrow('authorize must be');
  });

  it('answers 404 for unknown passes and routes', async () => {
    const admin = (method: 'get' | 'put' | 'delete', path: string) => api()[method](path).set('X-Role', 'admin');
    expect((await admin('get', '/api/passes/none')).status).toBe(404);
    expect((await admin('delete', '/api/passes/none')).status).toBe(404);
    expect((await admin('get', '/api/passes/%ff')).status).toBe(404);
    expect((await admin('get', '/api/passes')).body).toMatchObject({ error: { code: 'INVALID_QUERY' } });
    const put = await admin('put', '/api/passes/none');
    expect([put.status, put.headers.allow]).toEqual([405, 'GET, HEAD, DELETE']);
    expect((await admin('get', '/api/other')).text).toContain('Cannot GET');
    const alone = createServer(passesApi(book, { authorize: () => true }));
    expect((await request(alone).get('/other')).status).toBe(404);
    expect((await request(alone).get('/passes?owner=ann')).status).toBe(200);
  });

  it('tells viewers what is left of their own passes', async () => {
    await book.create('ann', { type: 2, timeSecs: 60, dataMb: 5, expDays: 1 });
    const { status, body, headers } = await api().get('/api/me/pass?token=ann');
    expect([status, body]).toMatchObject([200, { seconds: 60, bytes: 5_000_000, expires_at: null, is_playing: false }]);
    expect(headers['cache-control']).toBe('no-store');
    expect((await api().get('/api/me/pass').set('Cookie', 'a=b; token=ann')).body).toMatchObject({ seconds: 60 });
    expect((await api().get('/api/me/pass')).status).toBe(401);
    expect((await api().get('/api/me/pass?token=bob')).status).toBe(404);
    expect((await api().post('/api/me/pass?token=ann')).status).toBe(405);
    const viewer = ({ headers: given }: express.Request): string | undefined => given['x-user'] as string | undefined;
    const own = express().use(passesApi(book, { authorize: () => false, viewer }));
    expect((await request(own).get('/me/pass').set('X-User', 'ann')).body).toMatchObject({ seconds: 60 });
  });
});
