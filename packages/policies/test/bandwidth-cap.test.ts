import { bandwidthCap, type BandwidthCapOptions } from '@stream-sessions/policies';
import { conn, connect, live, stopAll, world } from './support/make.js';

afterEach(stopAll);

const MBIT = 125_000;
const viewer = (n: number, stream = 'cam1') => conn({ stream, remoteAddress: `10.0.0.${n}:1` });

const start = (options: BandwidthCapOptions) => {
  const here = world([bandwidthCap(options)], { idleTimeoutMs: 600_000 });
  const send: ((mbits: number) => void)[] = [];
  return {
    ...here,
    /** Somebody who wants in; what is sent to them is sent to all who are in. */
    async comes(n: number, stream?: string): Promise<string> {
      const answer = await here.tracker.admit(viewer(n, stream));
      if (!answer.admitted) return `${answer.denial.kind}: ${answer.denial.reason}, ${answer.denial.detail}`;
      send.push((mbits) => answer.handle.touch(mbits * MBIT));
      return 'in';
    },
    play(seconds: number, mbits: number) {
      for (let i = 0; i < seconds; i++) {
        here.clock.advance(1000);
        for (const each of send) each(mbits);
      }
    },
  };
};

describe('bandwidthCap', () => {
  it('refuses newcomers while the rate is at its maximum, and cuts nobody', async () => {
    const { comes, play, tracker } = start({ maxMbits: 10 });
    expect(await comes(1)).toBe('in');
    expect(await comes(2)).toBe('in');
    play(20, 4);
    expect(await comes(3)).toBe('in');
    play(20, 4);
    expect(await comes(4)).toBe('overload: overload, 12.0 of 10 Mbit/s in all');
    expect(live(tracker)).toHaveLength(3);
    play(20, 3);
    expect(await comes(5)).toBe('in');
  });

  it('measures each stream separately, even one that was not asked about for a long time', async () => {
    const { comes, play } = start({ maxMbits: 5, per: 'stream' });
    expect([await comes(1, 'a'), await comes(2, 'b')]).toEqual(['in', 'in']);
    play(20, 4);
    expect([await comes(3, 'a'), await comes(4, 'a')]).toEqual(['in', 'in']);
    play(300, 4);
    expect(await comes(5, 'a')).toBe('overload: overload, 12.0 of 5 Mbit/s of the stream');
    expect(await comes(6, 'b')).toBe('in');
  });

  it('measures over the given window', async () => {
    const over = async (windowMs: number) => {
      const { comes, play } = start({ maxMbits: 5, windowMs });
      await comes(1);
      play(windowMs / 1000, 1);
      play(4, 12);
      return comes(2);
    };
    expect(await over(4_000)).toMatch(/^overload/);
    expect(await over(60_000)).toBe('in');
  });

  it('admits publishers, and viewers that are already watching', async () => {
    const { comes, play, tracker } = start({ maxMbits: 1 });
    await comes(1);
    const watching = { stream: 'cam1', protocol: 'hls', ip: '10.0.0.9', token: 'a', userAgent: 'x' };
    const first = await tracker.admit(watching);
    play(20, 4);
    expect((await tracker.admit(watching)).admitted).toBe(true);
    expect((await connect(tracker, { kind: 'input', remoteAddress: '10.0.0.7:1' })).admitted).toBe(true);
    expect((await tracker.admit({ ...watching, ip: '10.0.0.10' })).admitted).toBe(false);
    expect(await tracker.invalidate()).toMatchObject({ closed: 0 });
    expect(first.admitted && first.handle.signal.aborted).toBe(false);
  });

  it.each<[unknown, RegExp]>([
    [{}, /maxMbits/],
    [{ maxMbits: 0 }, /maxMbits/],
    [{ maxMbits: 5, per: 'user' }, /per/],
    [{ maxMbits: 5, windowMs: 100 }, /windowMs/],
  ])('refuses the options %j', (options, message) => {
    expect(() => bandwidthCap(options as BandwidthCapOptions)).toThrow(message);
  });
});
