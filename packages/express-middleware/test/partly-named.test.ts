import express from 'express';
import { createTracker, type Policy, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { concurrencyPolicy } from '@stream-sessions/policies';
import { trackPlayback } from '../src/index.js';
import { get } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

const USER_AGENT = 'Demo/1.0 (Linux; Android 14) AndroidXMedia3/1.4.1';

let tracker: SessionTracker;
let url: string;

const start = async (options: TrackerOptions = {}): Promise<void> => {
  tracker = createTracker(options);
  const app = express().use('/live', trackPlayback(tracker), (_req, res) => void res.send('media'));
  ({ url } = await serve(app));
};
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

type Request = readonly [path: string, headers?: Record<string, string>];
type Name = (path: string) => Request;

/** How a player says who it is. */
const WAYS: Record<string, (sid: string) => Name> = {
  'CMCD in the query': (sid) => (path) => [`${path}?CMCD=${encodeURIComponent(`ot=v,sid="${sid}"`)}`],
  'CMCD in headers': (sid) => (path) => [path, { 'cmcd-session': `sid="${sid}",sf=h`, 'cmcd-object': 'ot=v' }],
  'a playback session': (sid) => (path) => [path, { 'x-playback-session-id': sid }],
  'a token': (sid) => (path) => [`${path}?token=${sid}`],
  'a cookie': (sid) => (path) => [path, { cookie: `token=${sid}` }],
};

/** What a player fetches, with its name only where `isNamed` says so. */
function* requests(name: Name, isNamed: (path: string) => boolean): Generator<Request> {
  const paths = ['master.m3u8', 'video.m3u8', 'audio.m3u8', 'v1.m4s', 'a1.m4s', 'video.m3u8', 'v2.m4s', 'master.m3u8'];
  for (const path of [...paths, ...paths]) yield isNamed(path) ? name(`/live/cam1/${path}`) : [`/live/cam1/${path}`];
}

/** All players at once, a request of each in turn; how each request was answered. */
async function play(...players: Iterable<Request>[]): Promise<number[]> {
  const statuses: number[] = [];
  const running = players.map((each) => each[Symbol.iterator]());
  for (let left = running.length; left > 0;) {
    left = 0;
    for (const player of running) {
      const { value } = player.next() as IteratorResult<Request, undefined>;
      if (value === undefined) continue;
      left++;
      const [path, headers] = value;
      statuses.push((await get(url, path, { 'user-agent': USER_AGENT, ...headers })).status);
    }
  }
  return statuses;
}

const segmentsOnly = (path: string): boolean => path.endsWith('.m4s');
const playlistsOnly = (path: string): boolean => path.endsWith('.m3u8');
const notTheMaster = (path: string): boolean => path !== 'master.m3u8';

describe.each(Object.entries(WAYS))('a player that names itself only by %s', (way, named) => {
  it.each([
    ['with segments only', segmentsOnly],
    ['with playlists only', playlistsOnly],
    ['with all but the master playlist', notTheMaster],
  ])('is one viewer from the first request on: %s', async (_, isNamed) => {
    await start({ maxSessionsPerIp: 1, onOverload: 'deny', policies: [concurrencyPolicy({ per: 'ip', max: 1 })] });
    const statuses = await play(requests(named('one'), isNamed));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(tracker.list()).toHaveLength(1);
    const byToken = way === 'a token' || way === 'a cookie';
    const kind = byToken ? 'token' : way === 'a playback session' ? 'playback-session' : 'cmcd';
    expect(tracker.list()).toMatchObject([{ namedBy: kind, bytes: 16 * 5 }]);
  });

  it.each([
    ['segments only', segmentsOnly],
    ['all but the master playlist', notTheMaster],
  ])('that plays twice behind one address is two viewers: with %s', async (_, isNamed) => {
    await start({ maxSessionsPerIp: 2, onOverload: 'deny', policies: [concurrencyPolicy({ per: 'ip', max: 2 })] });
    const statuses = await play(requests(named('one'), isNamed), requests(named('two'), isNamed));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(tracker.list()).toHaveLength(2);
    expect(tracker.list().reduce((sum, { bytes }) => sum + bytes, 0)).toBe(2 * 16 * 5);
  });
});

it('a token with playlists and a sid with segments are one viewer, admitted by alias if configured', async () => {
  const doorman: Policy = {
    name: 'doorman',
    stage: 'authorise',
    admit: ({ token }) => (token === 'good' ? { allow: true } : { allow: false, reason: 'unauthorized' }),
  };
  await start({
    identity: { aliases: 'admit' },
    policies: [doorman, concurrencyPolicy({ per: 'ip', max: 1 })],
  });
  const byToken = WAYS['a token']!('good');
  const bySid = WAYS['CMCD in headers']!('s');
  const mixed = [...requests(byToken, playlistsOnly)].map((request, i) =>
    request[0].includes('token') ? request : [...requests(bySid, segmentsOnly)][i]!,
  );
  expect(new Set(await play(mixed))).toEqual(new Set([200]));
  expect(tracker.list()).toMatchObject([{ namedBy: 'token', bytes: 16 * 5 }]);
});
