import type { WireSession } from '@stream-sessions/core';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { dispose, startLiveOrigin, type LiveOrigin } from './support/live-origin.js';
import { bodyBytes, startRecordingProxy, type Recorded, type RecordingProxy } from './support/recording-proxy.js';
import { until } from './support/until.js';

const SECONDS = 6;
const HLS_TS = 'live/demo/ts/master.m3u8';
const HLS_FMP4 = 'live/demo/fmp4/master.m3u8';
const DASH = 'live/demo/dash/manifest.mpd';

let origin: LiveOrigin;
let proxy: RecordingProxy;

beforeAll(async () => {
  origin = await startLiveOrigin();
  proxy = await startRecordingProxy(origin.url);
});

afterAll(async () => {
  endPlayers();
  await proxy?.stop();
  await dispose(origin);
});

const sessionsOf = async (userAgent: string): Promise<WireSession[]> =>
  (await origin.sessions('?status=active')).filter((session) => session.user_agent === userAgent);

const recordedOf = (userAgent: string): Recorded[] => proxy.requests.filter((each) => each.userAgent === userAgent);

const play = (path: string, userAgent: string, seconds?: number) =>
  playWithFfmpeg(proxy.url + path, { userAgent, ...(seconds && { seconds }) });

describe('ffmpeg, through a recording proxy', () => {
  const formats = [
    { name: 'HLS with TS segments', path: HLS_TS, protos: ['hls'], segment: /\.ts$/ },
    { name: 'HLS with fMP4 segments', path: HLS_FMP4, protos: ['hls'], segment: /\.m4s$/ },
    { name: 'DASH', path: DASH, protos: ['dash'], segment: /\.m4s$/ },
  ];

  beforeAll(async () => {
    const ends = await Promise.all(formats.map(({ name, path }) => play(path, name, SECONDS).ended));
    expect(ends.map(({ code }) => code)).toEqual(formats.map(() => 0));
    await until('nothing is on its way any more', () => proxy.inFlight() === 0);
  });

  it.each(formats)('plays $name as one session', async ({ name, protos, segment }) => {
    expect(recordedOf(name).filter(({ url }) => segment.test(url)).length).toBeGreaterThan(3);
    expect(await sessionsOf(name)).toEqual([
      expect.objectContaining({
        stream_code: 'demo',
        kind: 'viewer',
        protos,
        ip: '127.0.0.1',
        named_by: 'fingerprint',
      }),
    ]);
  });

  it.each(formats)('counts the body bytes of $name to the byte', async ({ name }) => {
    const expected = bodyBytes(recordedOf(name));
    expect(expected).toBeGreaterThan(100_000);
    expect((await sessionsOf(name)).map(({ bytes }) => bytes)).toEqual([expected]);
  });

  it('tells players behind one address apart by their user agents', async () => {
    const ids = await Promise.all(
      formats.map(async ({ name }) => (await sessionsOf(name)).map(({ id, ip }) => ({ id, ip }))),
    );
    expect(new Set(ids.flat().map(({ id }) => id)).size).toBe(formats.length);
    expect(new Set(ids.flat().map(({ ip }) => ip)).size).toBe(1);
  });
});

describe('ffmpeg with a name on the playlist only', () => {
  it('is one session with a token, over two protocols', async () => {
    const players = [play(`${HLS_TS}?token=alice`, 'alice', SECONDS), play(`${DASH}?token=alice`, 'alice', SECONDS)];
    await Promise.all(players.map(({ ended }) => ended));
    await until('nothing is on its way any more', () => proxy.inFlight() === 0);

    const segments = recordedOf('alice').filter(({ url }) => /\.(ts|m4s)/.test(url));
    expect(segments.length).toBeGreaterThan(6);
    expect(segments.filter(({ url }) => url.includes('token'))).toEqual([]);
    const sessions = await sessionsOf('alice');
    expect(sessions).toEqual([expect.objectContaining({ named_by: 'token', bytes: bodyBytes(recordedOf('alice')) })]);
    expect([...sessions[0]!.protos].sort()).toEqual(['dash', 'hls']);
    expect(sessions[0]).not.toHaveProperty('token');
  });

  it('is one session with a CMCD sid', async () => {
    await play(`${HLS_TS}?CMCD=${encodeURIComponent('sid="robert-1"')}`, 'robert', SECONDS).ended;
    await until('nothing is on its way any more', () => proxy.inFlight() === 0);

    expect(await sessionsOf('robert')).toEqual([
      expect.objectContaining({ named_by: 'cmcd', user_name: 'robert-1', bytes: bodyBytes(recordedOf('robert')) }),
    ]);
  });
});

describe('ffmpeg that is kicked', () => {
  it('gets 403 on its very next request and stays out, while another one plays on', async () => {
    const players = [play(HLS_TS, 'mallory'), play(HLS_TS, 'neighbour')];
    const segmentsOf = (name: string) =>
      recordedOf(name).filter(({ url, status }) => url.endsWith('.ts') && status < 300);
    await until('both play', () => Math.min(...['mallory', 'neighbour'].map((name) => segmentsOf(name).length)) >= 4);
    await until('nothing of mallory is on its way', () => recordedOf('mallory').every(({ complete }) => complete));

    const [mallory] = await sessionsOf('mallory');
    const heard = segmentsOf('neighbour').length;
    expect((await origin.api('DELETE', `sessions/${mallory!.id}`)).status).toBe(204);
    expect((await origin.api('DELETE', `sessions/${mallory!.id}`)).status).toBe(404);
    const kickedAt = Date.now();

    const after = () => recordedOf('mallory').filter(({ at }) => at > kickedAt);
    await until('mallory asks for more', () => after().filter(({ status }) => status !== 0).length >= 2);
    await until('the neighbour plays on', () => segmentsOf('neighbour').length >= heard + 4);
    expect(new Set(after().map(({ status }) => status))).toEqual(new Set([403]));
    expect(await sessionsOf('mallory')).toEqual([]);

    const again = await play(DASH, 'mallory').ended;
    expect(again.code).not.toBe(0);
    expect(again.stderr).toContain('403');
    expect(await sessionsOf('mallory')).toEqual([]);
    const closed = await origin.sessions('?status=closed');
    expect(closed.filter(({ id }) => id === mallory!.id)).toEqual([
      expect.objectContaining({ close_reason: 'kicked' }),
    ]);

    players.forEach((player) => player.kill('SIGKILL'));
    await Promise.all(players.map(({ ended }) => ended));
  }, 60_000);
});
