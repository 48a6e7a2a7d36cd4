import fc from 'fast-check';
import { encodeCmcd, toCmcdHeaders, toCmcdValue } from '@svta/cml-cmcd';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { trackPlayback } from '../src/index.js';
import { cmcdDecoder, loadCmcdDecoder } from '../src/cmcd/decoder.js';
import { qualityOf } from '../src/cmcd/quality.js';
import { cmcdSid } from '../src/cmcd/sid.js';
import { get } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

const V1 = {
  ...{ bl: 21300, br: 3200, cid: 'film-1', d: 4000, dl: 18500, mtp: 48100, nor: 'next.m4v', ot: 'v', pr: 1.5 },
  ...{ rtp: 12000, sf: 'd', sid: 'cmcd-1', st: 'l', su: true, tb: 6000 },
} as const;

let tracker: SessionTracker;
let clock: FakeClock;
let url: string;
beforeAll(loadCmcdDecoder);
beforeEach(async () => {
  clock = fakeClock();
  tracker = createTracker({ clock });
  const track = trackPlayback(tracker);
  ({ url } = await serve((req: never, res: { end(): void }) => track(req, res as never, () => res.end())));
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const query = (data: object) => encodeURIComponent(encodeCmcd(data as never, { version: 1 }));
const segment = (data: object) => get(url, `/cam1/seg0.ts?CMCD=${query(data)}`);
const quality = () => tracker.list()[0]?.quality;

describe('what a player reports by CMCD', () => {
  it('is the quality of its session: version 1 in the query', async () => {
    await segment(V1);
    expect(quality()).toEqual({
      ...{ sid: 'cmcd-1', cid: 'film-1', sf: 'd', st: 'l', su: true, br: 3200, tb: 6000, bl: 21300, mtp: 48100 },
      ...{ dl: 18500, rtp: 12000, pr: 1.5, bs: false },
    });
    expect(tracker.list()).toMatchObject([{ namedBy: 'cmcd' }]);
  });

  it('is the same from headers', async () => {
    await segment(V1);
    const fromQuery = quality();
    tracker.kick(tracker.list()[0]!.id, { denyForMs: 0 });
    await get(url, '/cam2/seg0.ts', toCmcdHeaders(V1 as never, { version: 1 }));
    expect(tracker.list({ stream: 'cam2' })[0]?.quality).toEqual(fromQuery);
  });

  it('is the same in version 2 as written by the reference library, by query and headers', async () => {
    const v2 = {
      ...{ v: 2, sid: 'cmcd-2', cid: 'film-2', sta: 'p', ltc: 1200, mtp: [48100], bg: true },
      ...{
        bl: [toCmcdValue(1500, { a: true }), toCmcdValue(2000, { v: true })],
        br: [3200],
        bsa: [2],
      },
    };
    const expected = {
      v: 2,
      sid: 'cmcd-2',
      cid: 'film-2',
      ltc: 1200,
      mtp: 48100,
      bl: 2000,
      br: 3200,
      bsa: 2,
      bg: true,
      bs: false,
    };
    // with plus signs for spaces, as dash.js does
    const form = new URLSearchParams({ x: '1', CMCD: encodeCmcd(v2 as never), y: '2' }).toString();
    expect(form).toContain('+');
    await get(url, `/cam1/seg0.ts?${form}`);
    expect(quality()).toMatchObject(expected);
    const spaces = form.replace('cmcd-2', 'cmcd-3').replaceAll('+', '%20');
    await get(url, `/cam3/seg0.ts?${spaces}`);
    expect(tracker.list({ stream: 'cam3' })[0]?.quality).toMatchObject({ ...expected, sid: 'cmcd-3' });
    await get(url, '/cam2/seg0.ts', toCmcdHeaders(v2 as never));
    expect(tracker.list({ stream: 'cam2' })[0]?.quality).toMatchObject(expected);
  });

  it('is read at once the first time, and then every five seconds, because it has to be decoded', async () => {
    await segment({ ...V1, bl: 1000 });
    for (const [ms, shown] of [
      [4000, 1000],
      [1000, 3000],
      [1000, 3000],
      [4000, 5000],
    ] as const) {
      clock.advance(ms);
      await segment({ ...V1, bl: shown === 1000 ? 2000 : shown });
      expect(quality()?.bl).toBe(shown);
    }
  });

  it('is read at once when the player starved, and the starvation is counted', async () => {
    await segment(V1);
    await segment({ ...V1, bl: 100, bs: true });
    expect(quality()).toMatchObject({ bl: 100, bs: true, starvations: 1 });
    await get(url, '/cam1/seg1.ts', { 'cmcd-status': 'bs', 'cmcd-session': 'sid="cmcd-1"' });
    expect(quality()).toMatchObject({ bl: 100, bs: true, starvations: 2 });
    clock.advance(6000);
    await segment(V1);
    expect(quality()).toMatchObject({ bl: 21300, bs: false, starvations: 2 });
  });

  it('is that of the video, even if reports of audio and playlists come as well', async () => {
    await segment({ sid: 'cmcd-1', ot: 'm' });
    expect(quality()).toEqual({ sid: 'cmcd-1' });
    await segment({ ...V1, ot: 'a', bl: 100, br: 128 });
    expect(quality()).toMatchObject({ bl: 100, br: 128 });
    await segment(V1);
    clock.advance(6000);
    await segment({ ...V1, ot: 'a', bl: 0, br: 128, bs: true });
    await segment({ sid: 'cmcd-1', ot: 'm' });
    expect(quality()).toMatchObject({ bl: 21300, br: 3200, bs: true, starvations: 1 });
    await segment({ ...V1, bl: 7000 });
    expect(quality()).toMatchObject({ bl: 7000 });
    clock.advance(16_000);
    await segment({ ...V1, ot: 'a', bl: 500, br: 128 });
    expect(quality()).toMatchObject({ bl: 500, br: 128 });
    await segment({ ...V1, bl: 8000 });
    expect(quality()).toMatchObject({ bl: 8000, br: 3200 });
  });

  it.each([
    ['not CMCD', 'CMCD=%22'],
    ['a broken escape', 'CMCD=%zz'],
    ['too long', `CMCD=${'a'.repeat(4097)}`],
    ['another argument', `XCMCD=${query(V1)}`],
    ['empty', 'CMCD='],
  ])('is ignored if it is %s', async (_what, text) => {
    expect((await get(url, `/cam1/seg0.ts?${text}`)).status).toBe(200);
    expect(tracker.list()).toHaveLength(1);
    expect(quality() ?? {}).toEqual({});
  });

  it('never authorises', async () => {
    const admit = () => ({ allow: false as const, reason: 'unauthorized' });
    tracker.updateConfig({ policies: [{ name: 'nobody', stage: 'authorise', admit }] });
    expect((await segment(V1)).status).toBe(403);
    expect(tracker.list()).toEqual([]);
  });
});

describe('any CMCD', () => {
  const text = fc.string({
    unit: fc.constantFrom(...'sidbl=",()?;: \\%0159.-ax', 'sid="', 'bl=', 'bs', 'br=(1;v 2;a)'),
  });

  it('is read safely, and into plain figures', () => {
    const decode = cmcdDecoder()!;
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (said) => {
        for (const value of Object.values(qualityOf(said, decode) ?? {})) {
          expect(['number', 'string', 'boolean']).toContain(typeof value);
          if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
        }
        cmcdSid(`CMCD=${encodeURIComponent(/[\ud800-\udfff]/u.test(said) ? '' : said)}`, said);
        cmcdSid(said, said);
      }),
      { numRuns: 3000 },
    );
  });

  it('written by the reference library is read correctly', () => {
    const decode = cmcdDecoder()!;
    const ascii = fc.string({ unit: fc.constantFrom(...'abc 019"\\,=;%&-'), minLength: 1, maxLength: 30 });
    const figure = fc.nat(1_000_000).map((n) => n * 100);
    fc.assert(
      fc.property(
        fc.record({ sid: ascii, cid: ascii, bl: figure, mtp: figure, br: figure, bs: fc.boolean() }),
        (data) => {
          const said = encodeCmcd(data as never, { version: 1 });
          const { sid, cid, bl, mtp, br, bs } = data;
          expect(qualityOf(said, decode)).toMatchObject({ sid, cid, bl, mtp, br, bs });
          expect(cmcdSid(`a=b&CMCD=${encodeURIComponent(said)}&c`, undefined)).toBe(sid);
        },
      ),
    );
  });
});
