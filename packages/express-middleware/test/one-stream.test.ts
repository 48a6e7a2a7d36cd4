import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '../src/index.js';
import { OneStreamWatch } from '../src/media/one-stream-watch.js';
import { get } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;
afterEach(async () => {
  await closeServers();
  await tracker?.stop();
});

const warnings = (paths: readonly string[]) => {
  const told: string[] = [];
  const watch = new OneStreamWatch((stream, folders) => told.push(`${stream}: ${folders.join()}`));
  for (const path of paths) watch.served(path);
  return told;
};
const folders = (stream: string, count = 20) => Array.from({ length: count }, (_, i) => `${stream}/cam${i}/index.m3u8`);

describe('playlists in many folders', () => {
  it('cause one warning if they are one stream', () => {
    expect(warnings([...folders('hls'), ...folders('other')])).toEqual(['hls: cam0,cam1']);
    expect(warnings([...folders('hls', 5), ...folders('hls', 5), ...folders('vod', 5)])).toEqual([]);
  });

  it('count as renditions if the stream itself has a playlist', () => {
    expect(warnings(['cam1/index.m3u8', ...folders('cam1')])).toEqual([]);
    expect(warnings([...folders('cam1', 7), 'cam1/index.m3u8', ...folders('cam1')])).toEqual([]);
    expect(warnings(Array.from({ length: 50 }, (_, i) => `cam${i}/index.m3u8`))).toEqual([]);
    expect(warnings(Array.from({ length: 50 }, (_, i) => `cam1/a/${i}/index.m3u8`))).toEqual([]);
  });

  it('cause a warning that says how to mount it, only if they were served', async () => {
    tracker = createTracker();
    const emitted = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const app = express();
    app.use(trackPlayback(tracker));
    app.use('/hls', (req, res) => void (req.url.includes('missing') ? res.status(404).end() : res.send('#EXTM3U')));
    const { url } = await serve(app);
    for (let i = 0; i < 10; i++) await get(url, `/hls/missing${i}/index.m3u8`);
    expect(emitted).not.toHaveBeenCalled();
    for (let i = 0; i < 10; i++) await get(url, `/hls/cam${i}/index.m3u8`);
    expect(emitted.mock.calls).toEqual([
      [
        expect.stringMatching(/hls\/cam0, hls\/cam1 .*one stream, "hls".*app\.use\('\/hls', trackPlayback\(/),
        { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_ONE_STREAM' },
      ],
    ]);
  });
});
