import express from 'express';
import { createTracker, type SessionDirectory, StreamSessionsError } from '@stream-sessions/core';
import { sessionsApi } from '../src/index.js';
import { get } from './support/client.js';
import { answerLater, directoryOf } from './support/directory.js';
import { closeServers, serve } from './support/serve.js';

answerLater();

// the whole suite of the API again
describe.each(['sessions-api', 'sessions-api-lists', 'sessions-api-access'])(
  'of a directory that answers later: %s',
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
  ])('whose %s() rejects makes GET %s a 500 that tells nothing', async (verb, path) => {
    expect(await answerOf({ [verb]: fails }, path)).toEqual([
      500,
      { code: 'INTERNAL', message: 'Internal server error.' },
    ]);
  });

  it('may refuse a cursor or too many rows, as a tracker does', async () => {
    const list = () => Promise.reject(new StreamSessionsError('ERR_TOO_MANY_ROWS', 'Too many.'));
    expect(await answerOf({ list }, '/sessions')).toEqual([400, { code: 'INVALID_QUERY', message: 'Too many.' }]);
  });

  it('is refused at the start if it cannot do all that a tracker can', () => {
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
