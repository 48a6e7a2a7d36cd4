import express from 'express';
import { createTracker, type SessionDirectory, StreamSessionsError } from '@stream-sessions/core';
import { sessionsApi } from '../src/index.js';
import { get } from './support/client.js';
import { answerLater, directoryOf } from './support/directory.js';
import { closeServers, serve } from './support/serve.js';

answerLater();

// the whole suite of the API again
describe.each(['sessions-api', 'sessions-api-lists', 'sessions-api-access'])(
  'with a directory that answers later: %s',
  (suite) => void jest.requireActual(`./${suite}.test.ts`),
);

describe('a directory', () => {
  const tracker = createTracker({ autoStart: false });
  const directory = directoryOf(tracker);
  afterEach(closeServers);

  const answerOf = async (other: Partial<SessionDirectory>, path: string) => {
    const api = sessionsApi({ ...directory, ...other }, { authorize: () => true });
    const { url } = await serve(express().use(api));
    const { status, text } = await get(url, path);
    return [status, JSON.parse(text).error];
  };
  const fails = () => Promise.reject(new Error('no answer from 10.0.0.7:7000, password s3cret'));

  it.each([
    ['list', '/sessions'],
    ['stats', '/sessions'],
    ['get', '/sessions/x'],
    ['explain', '/sessions/x/explain'],
    ['streams', '/streams'],
    ['denials', '/denials'],
    ['stats', '/stats'],
  ])('whose %s() rejects makes GET %s answer 500, without the reason', async (verb, path) => {
    expect(await answerOf({ [verb]: fails }, path)).toEqual([
      500,
      { code: 'INTERNAL', message: 'Internal server error.' },
    ]);
  });

  it.each(['ERR_CLUSTER_ALONE', 'ERR_CLUSTER_LINK'])(
    'that rejects with %s makes the API answer 503, which means: try again',
    async (code) => {
      const list = () => Promise.reject(new StreamSessionsError(code, 'Redis at 10.0.0.7 is away.'));
      expect(await answerOf({ list }, '/sessions')).toEqual([
        503,
        { code: 'CLUSTER_UNREACHABLE', message: 'The cluster cannot be reached now. Try again.' },
      ]);
    },
  );

  it('is asked for no more than 1,000 rows, and the answer says whether there are more', async () => {
    const many = createTracker({ autoStart: false });
    const add = (n: number) => many.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '10.0.0.1', token: `t${n}` });
    for (let n = 0; n < 1_000; n++) add(n);
    const limits: unknown[] = [];
    const list: SessionDirectory['list'] = (filter) => {
      limits.push(filter?.limit);
      return many.list(filter);
    };
    const api = sessionsApi({ ...directoryOf(many), list }, { authorize: () => true });
    const { url } = await serve(express().use(api));
    const page = async () => JSON.parse((await get(url, '/sessions')).text);
    expect(await page()).toMatchObject({ total_count: 1_000 });
    expect((await page()).next).toBeUndefined();
    add(1_000);
    const { next, sessions } = await page();
    expect([sessions.length, typeof next]).toEqual([1_000, 'string']);
    expect(Math.max(...(limits as number[]))).toBe(1_000);
    await many.stop();
  });

  it('has the nodes that have not answered named in the response', async () => {
    const rows = () => Object.assign([], { partial: true, missing: ['node-2'] });
    const api = sessionsApi({ ...directory, list: rows }, { authorize: () => true });
    const { url } = await serve(express().use(api));
    expect(JSON.parse((await get(url, '/sessions')).text)).toMatchObject({ partial: true, missing: ['node-2'] });
  });

  it('has a kick answered with 202 while some nodes have yet to cut', async () => {
    const kicks = [{ nodes: ['node-1'], pending: ['node-2'] }, { nodes: ['node-1'], pending: [] }, false] as const;
    const left = [...kicks];
    const api = sessionsApi({ ...directory, kick: () => left.shift() ?? false }, { authorize: () => true });
    const { url } = await serve(express().use(api));
    const kick = async () => {
      const answer = await fetch(`${url}/sessions/x`, { method: 'DELETE' });
      return [answer.status, await answer.text()];
    };
    expect(await kick()).toEqual([202, JSON.stringify(kicks[0])]);
    expect(await kick()).toEqual([204, '']);
    expect((await kick())[0]).toBe(404);
  });

  it('may refuse a cursor or too many rows, as a tracker does', async () => {
    const list = () => Promise.reject(new StreamSessionsError('ERR_TOO_MANY_ROWS', 'Too many.'));
    expect(await answerOf({ list }, '/sessions')).toEqual([400, { code: 'INVALID_QUERY', message: 'Too many.' }]);
  });

  it('is rejected at the start if it lacks a method of a tracker', () => {
    const { explain: _explain, kickAll: _kickAll, ...rest } = directory;
    const made = (first: unknown) => () => sessionsApi(first as SessionDirectory, { authorize: () => true });
    expect(made(rest)).toThrow(
      'sessionsApi: the first argument must be a tracker: createTracker(), or another SessionDirectory; ' +
        'this one has no kickAll(), explain().',
    );
    for (const none of [undefined, null, {}, 'tracker']) {
      expect(made(none)).toThrow('sessionsApi: the first argument must be a tracker: createTracker().');
    }
    expect(made(tracker)).not.toThrow();
  });
});
