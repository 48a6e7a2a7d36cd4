import type { PlaySession } from '@stream-sessions/core';
import { PASS_TYPES, type Pass } from '@stream-sessions/passes';
import { pace } from '../support/until.js';
import { endPlayers, playWithFfmpeg, type FfmpegPlayer } from './support/ffmpeg-player.js';
import { openPaidChannels, type PaidChannels, type Place } from './support/paid-channels.js';
import type { Recorded } from './support/recording-proxy.js';
import { together } from './support/together.js';
import { until } from './support/until.js';

const { time, data, time_or_data: both } = PASS_TYPES;
const PAUSE_MS = 3_000;
const DAY_MS = 86_400_000;
const OVER_CONNECTIONS: readonly Place[] = ['rtmp', 'rtsp', 'srt'];

let at: PaidChannels;
beforeAll(async () => void (at = await openPaidChannels(PAUSE_MS)));
afterAll(async () => {
  endPlayers();
  await at?.close();
});

let buyers = 0;
const newOwner = (name: string): string => `${name}-${++buyers}`;
const play = (place: Place, owner: string): FfmpegPlayer =>
  playWithFfmpeg(`${at.places[place]}${owner}`, { live: OVER_CONNECTIONS.includes(place), blind: true });
const connects = (owner: string): Promise<unknown> => until(`${owner} watches`, () => at.hasBegun(owner));
const asKept = async ({ id }: Pass): Promise<Pass> => (await at.book.get(id)) as Pass;

/** Waits for the end of the visit of an owner who has watched without a cut until then. */
async function onlyVisit(owner: string): Promise<{ reason: unknown; seconds: number; session: PlaySession }> {
  const session = await until(`${owner} is cut`, () => at.visitsOf(owner)[0], { timeoutMs: 40_000 });
  expect([owner, at.visitsOf(owner).length]).toEqual([owner, 1]);
  return { reason: session.closeReason, seconds: secondsOf(session), session };
}

const secondsOf = ({ openedAt, closedAt = NaN }: PlaySession): number => (closedAt - openedAt) / 1000;

function expectAbout(seconds: number, expected: number): void {
  expect(seconds).toBeGreaterThan(expected - 1);
  expect(seconds).toBeLessThan(expected + 1);
}

/** Plays on a pass of six seconds to its end. */
async function sixSeconds(way: Place): Promise<string> {
  const owner = newOwner(`${way}-six`);
  const pass = await at.book.create(owner, { type: time, timeSecs: 6 });
  play(way, owner);
  const { reason, seconds, session } = await onlyVisit(owner);
  expect(reason).toBe('quota_time');
  expectAbout(seconds, 6);
  expect(session.bytes).toBeGreaterThan(20_000);
  const { timeCons } = await asKept(pass);
  // billed to the last activity, which on a busy machine is some time before the end
  expect(timeCons).toBeGreaterThan(3);
  expect(timeCons).toBeLessThan(7);
  return owner;
}

// ffmpeg asks for ranges.
const isAdmitted = ({ status }: Recorded): boolean => status === 200 || status === 206;
const hasToken = (owner: string) => (request: Recorded) => request.url.endsWith(`token=${owner}`);

together({
  'six seconds are six seconds over HLS, and the next request is refused': async () => {
    const owner = await sixSeconds('hls');
    const isRefused = ({ status }: Recorded): boolean => status === 429;
    await until('it is refused', () => at.proxy.requests.filter(hasToken(owner)).some(isRefused));
    const requests = at.proxy.requests.filter(hasToken(owner));
    const since = requests[0]!.at;
    const seconds = (request: Recorded): number => (request.at - since) / 1000;
    const [admitted, refused] = [requests.filter(isAdmitted).map(seconds), requests.filter(isRefused).map(seconds)];
    expect(Math.max(...admitted)).toBeLessThan(7);
    expect(Math.min(...refused)).toBeGreaterThan(5);
  },
  'six seconds are six seconds over RTMP': async () => void (await sixSeconds('rtmp')),
  'six seconds are six seconds over RTSP': async () => void (await sixSeconds('rtsp')),
  'six seconds are six seconds over SRT': async () => void (await sixSeconds('srt')),

  'two devices get the data of one pass, over two protocols': async () => {
    const owner = newOwner('shared');
    const pass = await at.book.create(owner, { type: data, dataMb: 2 });
    for (const way of ['rtmp', 'rtsp'] as const) play(way, owner);
    await until('both are cut', () => at.visitsOf(owner).length === 2, { timeoutMs: 20_000 });
    expect(at.visitsOf(owner).map(({ closeReason }) => closeReason)).toEqual(['quota_data', 'quota_data']);
    const bytes = at.visitsOf(owner).reduce((sum, session) => sum + session.bytes, 0);
    expect((await asKept(pass)).dataCons).toBeCloseTo(bytes / 1e6, 3);
    expect(bytes).toBeGreaterThanOrEqual(2e6);
    // What two connections of 2 Mbit/s carry in a second, and a group of pictures at the start.
    expect(bytes).toBeLessThan(2e6 + 2 * 400_000);
  },
});

together({
  'two devices get 5 MB from a pass of 5 MB over HLS, and a segment each at the most': async () => {
    const owner = newOwner('film');
    const pass = await at.book.create(owner, { type: data, dataMb: 5 });
    const films = ['film-1', 'film-2'] as const;
    const before = at.proxy.requests.length;
    const devices = films.map((film) => play(film, owner));
    await Promise.all(devices.map((device) => device.ended));
    const served = at.proxy.requests
      .slice(before)
      .filter((request) => request.url.includes('/film-') && isAdmitted(request));
    const bytes = served.reduce((sum, request) => sum + request.bytes, 0);
    const segment = Math.max(...served.map((request) => request.bytes));
    expect(new Set(served.map(({ url }) => url.split('/')[2]))).toEqual(new Set(films));
    const tolerance = devices.length * segment;
    const billed = Math.round((await asKept(pass)).dataCons * 1e6);
    expect(billed).toBeGreaterThanOrEqual(5e6);
    expect(billed).toBeLessThanOrEqual(5e6 + tolerance);
    // What was on its way when it was cut has not arrived.
    expect(bytes).toBeGreaterThan(billed - tolerance);
    expect(bytes).toBeLessThanOrEqual(billed);
  },

  'a pass for time or data ends with whichever is first': async () => {
    const [short, small] = [newOwner('short'), newOwner('small')];
    const passes = [
      await at.book.create(short, { type: both, timeSecs: 3, dataMb: 500 }),
      await at.book.create(small, { type: both, timeSecs: 500, dataMb: 1 }),
    ];
    play('srt', short);
    play('rtsp', small);
    const [first, second] = await Promise.all([onlyVisit(short), onlyVisit(small)]);
    expect([first.reason, second.reason]).toEqual(['quota_time', 'quota_data']);
    expectAbout(first.seconds, 3);
    expect(second.session.bytes).toBeGreaterThanOrEqual(1e6);
    expect(second.session.bytes).toBeLessThan(1.4e6);
    const [timed, metered] = await Promise.all(passes.map(asKept));
    expect(timed!.dataCons).toBeGreaterThan(0.1);
    expect(metered!.timeCons).toBeLessThan(30);
  },

  'a pass that expires in play is cut at that instant, whatever is left': async () => {
    const [ways, sold] = [['hls', 'rtmp'] as const, Date.now() - DAY_MS];
    await Promise.all(
      ways.map(async (way) => {
        const owner = newOwner(`${way}-yesterday`);
        const { id } = await at.book.create(newOwner('any'), { type: data, dataMb: 500, expDays: 1 });
        const pass = { ...(await at.book.get(id))!, id: owner, owner, createdAt: sold, startedAt: sold + 9_000 };
        await at.store.add(pass);
        play(way, owner);
        const { reason, session } = await onlyVisit(owner);
        expect(reason).toBe('expired');
        expectAbout((session.closedAt! - sold - DAY_MS) / 1000, 9);
        expect((await asKept(pass)).dataCons).toBeGreaterThan(0);
      }),
    );
  },

  'two passes of five seconds play for ten, without a cut': async () => {
    await Promise.all(
      (['hls', 'rtmp'] as const).map(async (way) => {
        const owner = newOwner(`${way}-twice`);
        const passes = [
          await at.book.create(owner, { type: time, timeSecs: 5 }),
          await at.book.create(owner, { type: time, timeSecs: 5 }),
        ];
        play(way, owner);
        const { reason, seconds } = await onlyVisit(owner);
        expect(reason).toBe('quota_time');
        expect(seconds).toBeGreaterThan(9);
        // The second one begins with something that happens after the end of the first.
        expect(seconds).toBeLessThan(12);
        for (const { timeCons } of await Promise.all(passes.map(asKept))) expectAbout(timeCons, 5);
      }),
    );
  },

  'a top-up in play does not cut the stream, and is played to its end': async () => {
    const owner = newOwner('more');
    const pass = await at.book.create(owner, { type: time, timeSecs: 3 });
    play('rtsp', owner);
    await connects(owner);
    await at.book.topUp(pass.id, { timeSecs: 3 });
    const { reason, seconds } = await onlyVisit(owner);
    expect(reason).toBe('quota_time');
    expectAbout(seconds, 6);
    expectAbout((await asKept(pass)).timeCons, 6);
  },

  'the clock of who leaves stands still, and goes on when they are back': async () => {
    const owner = newOwner('pause');
    await at.shortBook.create(owner, { type: time, timeSecs: 6 });
    const player = play('short', owner);
    await connects(owner);
    await pace(2_000);
    player.kill('SIGKILL');
    await until('they are gone', () => at.visitsOf(owner).length === 1);
    const { seconds = NaN } = (await at.shortBook.remaining(owner)) ?? {};
    await pace(PAUSE_MS);
    expect(await at.shortBook.remaining(owner)).toMatchObject({ seconds, isPlaying: false });
    play('short', owner);
    await until('they are cut', () => at.visitsOf(owner).length === 2);
    const [before, after] = at.visitsOf(owner) as [PlaySession, PlaySession];
    expect([before.closeReason, after.closeReason]).toEqual(['idle', 'quota_time']);
    expectAbout(secondsOf(after), seconds);
  },
});
