import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { hitFromRequest, type PlaybackRequest, trackPlayback, type TrackPlaybackOptions } from '../src/index.js';
import { get } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;

beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

async function player(options: TrackPlaybackOptions = {}) {
  const { url } = await serve(express().use(trackPlayback(tracker, options), (_req, res) => void res.send('media')));
  /** What the one viewer is after each of these requests. */
  return async (...targets: string[]): Promise<unknown[]> => {
    const seen = [];
    for (const target of targets) {
      expect(await get(url, target)).toMatchObject({ status: 200 });
      const sessions = tracker.list({ status: 'active' });
      expect(sessions).toHaveLength(1);
      seen.push(sessions[0]?.dvr);
    }
    return seen;
  };
}

describe('a viewer who does not watch live', () => {
  it.each(['from', 'delay', 'dur', 'ago'])('is recognised by %s', async (name) => {
    const play = await player();
    expect(await play(`/cam1/a.m3u8?x=1&${name}=60`)).toEqual([true]);
  });

  it.each(['delay=', 'delay', 'delay=&x=1', 'xdelay=60', 'x=delay=60', 'DELAY=60', 'x=1&delays=60'])(
    'is not recognised by ?%s',
    async (query) => {
      const play = await player();
      expect(await play(`/cam1/a.m3u8?${query}`)).toEqual([false]);
    },
  );

  it('stays dvr through segments, whose query players drop, until a live playlist', async () => {
    const play = await player();
    const past = ['/cam1/a.m3u8?delay=60', '/cam1/1.ts', '/cam1/2.ts?x=1', '/cam1/a.m3u8?delay=60', '/cam1/3.ts'];
    expect(await play('/cam1/a.m3u8', '/cam1/9.ts', ...past)).toEqual([false, false, true, true, true, true, true]);
    expect(await play('/cam1/a.m3u8', '/cam1/10.ts', '/cam1/1.ts?ago=60')).toEqual([false, false, true]);
    expect(tracker.streams()).toMatchObject([{ viewers: 1, dvr: 1 }]);
  });

  it('is recognised by parameters of your own, and by no others', async () => {
    const play = await player({ dvr: ['t.s', 'start'] });
    expect(await play('/cam1/a.m3u8?start=1', '/cam1/a.m3u8?t.s=1', '/cam1/a.m3u8?delay=1&txs=1')).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('is not marked with dvr: false', async () => {
    const play = await player({ dvr: false });
    expect(await play('/cam1/a.m3u8?delay=60', '/cam1/1.ts?delay=60')).toEqual([false, false]);
  });

  it('is determined by your callback, which may also leave it open', async () => {
    const answers = [true, undefined, false];
    const play = await player({ dvr: (req) => (req.headers.host === undefined ? true : answers.shift()) });
    expect(await play('/cam1/a.m3u8', '/cam1/a.m3u8?delay=60', '/cam1/1.ts?delay=60')).toEqual([true, true, false]);
  });

  it('is not guessed from a callback that answers with something else', async () => {
    const app = express().use(trackPlayback(tracker, { dvr: () => 'yes' as never }));
    app.use(((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as express.ErrorRequestHandler); // prettier-ignore
    const { url } = await serve(app);
    expect((await get(url, '/cam1/a.m3u8')).text).toBe(
      'The result of dvr must be true, false or undefined, not "yes".',
    );
  });
});

describe('hitFromRequest', () => {
  it.each([
    ['/cam1/a.m3u8?delay=60', true],
    ['/cam1/a.m3u8', false],
    ['/cam1/A.MPD?x=1', false],
    ['/cam1/1.ts', undefined],
    ['/cam1/1.ts?ago=60', true],
    ['/watch/cam1', undefined],
  ])('reads %s as dvr: %s', (url, dvr) => {
    const req = { url, headers: {}, socket: { remoteAddress: '203.0.113.7' } } as unknown as PlaybackRequest;
    expect(hitFromRequest(req, 'cam1', 'hls').dvr).toBe(dvr);
  });
});
