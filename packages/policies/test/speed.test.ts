import type { Limits } from '@stream-sessions/core';
import { speedPolicy, type SpeedOptions } from '@stream-sessions/policies';
import { conn, hit, stopAll, world } from './support/make.js';

afterEach(stopAll);

const limitsOf = async (options: SpeedOptions[], stream = 'cam1'): Promise<Limits> => {
  const { tracker } = world(options.map((each) => speedPolicy(each)));
  const admission = await tracker.admit(hit({ stream }));
  if (!admission.admitted) throw new Error(admission.denial.reason);
  return admission.handle.limits;
};

describe('speedPolicy', () => {
  it('limits what viewers receive and what publishers send', async () => {
    expect(await limitsOf([{ downMbits: 4 }])).toEqual({ downMbits: 4 });
    expect(await limitsOf([{ downMbits: 4, upMbits: 8 }])).toEqual({ downMbits: 4, upMbits: 8 });
  });

  it('applies to the streams that match its patterns', async () => {
    for (const per of ['news/*', ['news/*', 'cam1']]) {
      expect(await limitsOf([{ downMbits: 4, per }], 'news/today')).toEqual({ downMbits: 4 });
      expect(await limitsOf([{ downMbits: 4, per }], 'sport')).toEqual({});
    }
  });

  it('gives a viewer the tightest of several limits', async () => {
    const all = [
      { downMbits: 4, upMbits: 9 },
      { downMbits: 8, upMbits: 2, per: 'news/*' },
    ];
    expect(await limitsOf(all, 'news/today')).toEqual({ downMbits: 4, upMbits: 2 });
    expect(await limitsOf(all)).toEqual({ downMbits: 4, upMbits: 9 });
  });

  it('asks a function for each viewer, and again when policies decide again', async () => {
    let mbits: number | undefined = 4;
    const policy = speedPolicy({ downMbits: ({ country }) => (country === 'NL' ? undefined : mbits) });
    const { tracker } = world([policy], { geo: { country: (ip: string) => (ip === '192.0.2.1' ? 'NL' : undefined) } });
    const admission = await tracker.admit(conn());
    const other = await tracker.admit(conn({ remoteAddress: '192.0.2.1:1' }));
    if (!admission.admitted || !other.admitted) throw new Error('refused');
    const heard: Limits[] = [];
    admission.handle.onLimits((limits) => heard.push(limits));
    expect([admission.handle.limits, other.handle.limits]).toEqual([{ downMbits: 4 }, {}]);
    mbits = 2;
    await tracker.invalidate('cam1');
    mbits = undefined;
    await tracker.invalidate('cam1');
    expect(heard).toEqual([{ downMbits: 2 }, {}]);
  });

  it('holds a viewer of several streams to the limits of the one it asked for last', async () => {
    const policy = speedPolicy({ downMbits: 2, per: 'news/*' });
    const { tracker } = world([policy], { identity: { viewer: ['ip', 'token'] } });
    const limits = async (stream: string) => {
      const admission = await tracker.admit(hit({ stream, token: 'x' }));
      return admission.admitted && admission.handle.limits;
    };
    expect([await limits('cam1'), await limits('news/a')]).toEqual([{}, { downMbits: 2 }]);
  });

  it.each<[unknown, RegExp]>([
    [{}, /downMbits, upMbits or both/],
    [{ downMbits: 0 }, /downMbits.*more than 0 Mbit\/s/],
    [{ upMbits: '4' }, /upMbits.*more than 0 Mbit\/s/],
    [{ downMbits: 4, per: [] }, /per.*pattern/],
    [{ downMbits: 4, per: 5 }, /per.*pattern/],
    [{ downMbits: 4, per: '' }, /per.*pattern/],
    [{ downMbits: 4, per: ['news/*', ''] }, /per.*pattern/],
    [{ down: 4 }, /down/],
  ])('refuses the options %j', (options, message) => {
    expect(() => speedPolicy(options as SpeedOptions)).toThrow(message);
  });
});
